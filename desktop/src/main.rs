//! The program `orchestrator-desktop`.

fn main() -> std::process::ExitCode {
    #[cfg(feature = "native")]
    return orchestrator_desktop::app::start();
    #[cfg(not(feature = "native"))]
    match orchestrator_desktop::run(orchestrator_desktop::app::Start::default()) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(_) => std::process::ExitCode::FAILURE,
    }
}

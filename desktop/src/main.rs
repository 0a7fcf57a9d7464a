//! The program `orchestrator-desktop`.

fn main() -> std::process::ExitCode {
    #[cfg(feature = "native")]
    return orchestrator_desktop::app::start();
    #[cfg(not(feature = "native"))]
    match orchestrator_desktop::run(start()) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(_) => std::process::ExitCode::FAILURE,
    }
}

/// In a browser the server is the one that the page came from.
#[cfg(not(feature = "native"))]
fn start() -> orchestrator_desktop::app::Start {
    #[cfg(target_family = "wasm")]
    let server = orchestrator_client::transport::page();
    #[cfg(not(target_family = "wasm"))]
    let server = None;
    orchestrator_desktop::app::Start { server, token: None }
}

//! The program `orchestrator-desktop`.

fn main() -> std::process::ExitCode {
    orchestrator_desktop::app::start()
}

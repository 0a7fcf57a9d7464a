//! The app as a page: the server is the one that the page came from.

use std::process::ExitCode;

use orchestrator_desktop::app::Start;

fn main() -> ExitCode {
    let start = Start {
        server: orchestrator_client::transport::page(),
        token: None,
    };
    orchestrator_desktop::run(start).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}

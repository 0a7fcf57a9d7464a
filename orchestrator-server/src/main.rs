//! The program `orchestrator-server`.

use std::process::ExitCode;

fn main() -> ExitCode {
    orchestrator_server::program::main(std::env::args_os().collect())
}

//! The program `orchestrator-worker`.

use std::process::ExitCode;

fn main() -> ExitCode {
    orchestrator_worker::program::main(std::env::args_os().collect())
}

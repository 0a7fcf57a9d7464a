//! The programs of a fleet in one: `server` and `worker`, each as the program of that name.
//!
//! Cargo builds a package's own programs for its tests, and no others': this one makes sure that the tests kill the code
//! that they were built with, and not what an earlier build left.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words = std::env::args_os();
    let own = words.next();
    match words.next() {
        Some(word) if word == "server" => orchestrator_server::program::main(own.into_iter().chain(words).collect()),
        Some(word) if word == "worker" => orchestrator_worker::program::main(own.into_iter().chain(words).collect()),
        _ => usage(),
    }
}

#[expect(clippy::print_stderr, reason = "the one line with which the program ends")]
fn usage() -> ExitCode {
    eprintln!("error: say `server` or `worker`, and then its arguments");
    ExitCode::from(2)
}

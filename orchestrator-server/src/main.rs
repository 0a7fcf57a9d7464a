//! The program `orchestrator-server`.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// What one thread makes another often gives back: glibc's allocator then waits for locks, which took a quarter of the
/// time of a request.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    orchestrator_server::program::main(std::env::args_os().collect())
}

//! The command as people and programs meet it: the real binary, over real files, with real signals.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a seed to repeat with, and what was skipped and why"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "other processes have their own clocks, and there is no runtime to block"
)]

mod support;

mod budget;
mod cancel;
mod decide;
mod inputs;
mod kill;
mod live;
mod look;
mod output;
mod remote;
mod retry;
mod run;
mod stores;
mod trouble;

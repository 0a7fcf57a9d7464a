//! The worker, its runs and what agents do with their context.

mod child;
mod end_to_end;
mod fan_out;
mod limit;
mod lost;
mod person;
mod run;
pub mod scripted;
mod session;
mod step;
mod stop;
mod suspension;

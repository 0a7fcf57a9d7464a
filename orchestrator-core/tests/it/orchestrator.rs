//! The facade: what a program sees of it from the first task to the shutdown.

mod life;
mod run;
#[cfg(feature = "sqlite")]
mod shared;

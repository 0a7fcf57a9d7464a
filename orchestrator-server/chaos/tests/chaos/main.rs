//! A fleet of real processes under attack: workers, servers, PostgreSQL and the network between them are killed, stopped
//! and cut off while tasks run and viewers watch. Nothing that was promised may break.
//!
//! A [`fleet`] has a PostgreSQL of its own; a [`load`] is submitted to it and leaves a [`witness`] on the disk;
//! [`viewers`] watch; [`fault`]s strike; and the [`referee`] holds what all of them saw against what was promised.

#![expect(clippy::print_stdout, reason = "a seed to repeat with, and what struck when")]

mod fault;
mod fleet;
mod load;
mod referee;
mod round;
mod time;
mod viewers;
mod witness;

mod database;
mod network;
mod servers;
mod storm;
mod workers;

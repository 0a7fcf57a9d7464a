//! The worker: one loop that claims tasks, runs their agents and reports, over the small port [`source::TaskSource`].

pub mod source;

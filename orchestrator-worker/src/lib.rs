//! To be written.

pub mod review;

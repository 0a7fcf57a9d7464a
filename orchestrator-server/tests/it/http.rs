//! REST against a real server on a real port.

mod access;
mod dashboard;
mod document;
mod ops;
mod program;
mod strict;
pub(crate) mod support;
mod tasks;

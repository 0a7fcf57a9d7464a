//! The tests of the core that need more than one of its parts.

mod worker;

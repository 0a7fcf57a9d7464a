//! The semantics of every verb, written once over the row port.

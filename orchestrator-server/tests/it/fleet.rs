//! Several servers that share a database, and what they tell each other.

mod place;
mod together;
mod wakeups;

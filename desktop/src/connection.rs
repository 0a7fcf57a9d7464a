//! Where tasks come from and go to: a server, or an engine inside the app.

mod api;
mod failure;
mod watch;

pub use api::{Api, Live, OpenError, Target};
pub use watch::{Scope, Update, fleet, refresh, tree};

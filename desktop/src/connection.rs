//! Where tasks come from and go to: a server, or an engine inside the app.

mod api;
#[cfg(feature = "embedded")]
mod embedded;
mod failure;
mod remote;
mod source;
mod watch;

pub use api::{Api, OpenError, Target};
pub use source::{Live, PAGE, Source};
pub use watch::{Scope, Update, fleet, refresh, tree};

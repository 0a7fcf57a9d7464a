//! The semantics of every verb that writes, once for all adapters.
//!
//! Each verb loads the rows it concerns into a `Work`, decides with the functions of [`crate::domain`], follows
//! the consequences (who waited for this, whose place is free, what is below), and writes what changed in sets. The
//! adapter wraps it in a transaction, and may hand over many callers' requests at once.
//!
//! Two kinds of error: the outer one means that the storage failed and the transaction must be rolled back; the inner
//! one means that this caller's request was refused, with nothing written for it.

mod arrive;
mod birth;
mod claim;
mod consequence;
mod intervene;
mod report;
mod session;
mod settle;
mod submit;
mod tick;
mod usage;
mod work;

pub use arrive::Arrival;
pub use claim::claim;
pub use intervene::intervene;
pub use report::report;
pub use session::{close_session, drain, open_session, renew};
pub use settle::settle;
pub use submit::{Places, check, submit};
pub use tick::tick;

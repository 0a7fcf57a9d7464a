//! The store on PostgreSQL 15 or newer: durable, and shared by any number of processes, none of which leads.
//!
//! It is a [`orchestrator_core::store::Store`] like the others, usable with and without the server. [`fn@open`] embeds the
//! whole system in a program; the store alone is opened like this:
//!
//! ```no_run
//! use orchestrator_postgres::{PostgresOptions, PostgresStore};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let store = PostgresStore::open("postgres://localhost/agents", PostgresOptions::default()).await?;
//! # drop(store);
//! # Ok(())
//! # }
//! ```
//!
//! Its tables live in a schema of their own (`orchestrator` by default). The migrations are applied when it is opened,
//! unless [`PostgresOptions::migrate`] says otherwise; [`migrate()`] and `orchestrator-server migrate` apply them by hand.
//!
//! Programs with tables of their own in the same database submit tasks inside their own transactions: see [`Outbox`].
//!
//! [`PostgresBus`] tells the processes of what each of them did, without anything but the database.
//!
//! Every process has one writer ([`orchestrator_core::store::writer`]), which makes one transaction of what waits and sends
//! it in one call. The transactions of all processes come one after the other: each says after how many others it was
//! worked out, and is worked out anew if that is no longer so. So the history has one order, which is the order of the
//! commits, and a reader that has seen an event misses none before it.

mod bus;
mod codec;
mod disk;
mod embed;
mod fault;
mod hosts;
mod listener;
mod migrate;
mod open;
mod outbox;
mod prune;
mod reader;
mod store;
mod words;
mod writes;

pub use bus::PostgresBus;
pub use embed::{open, open_with};
pub use migrate::{migrate, migrations};
pub use open::PostgresOptions;
pub use orchestrator_migrations::{Dialect, Step, script};
pub use outbox::Outbox;
pub use store::PostgresStore;

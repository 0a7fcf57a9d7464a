//! The server, thin: parse, authorise, call a service, encode.
//!
//! A request goes one way: a route ([`routes`](self)) reads it, the [`Engine`](orchestrator_core::service::Engine) decides
//! and stores, the answer is written. Routes never see a store.

mod access;
mod app;
mod auth;
mod bus;
pub mod config;
mod counted;
pub mod listener;
pub mod live;
mod middleware;
pub mod migrate;
mod openapi;
mod parameters;
mod problem;
pub mod program;
mod rate;
pub mod routes;
mod run;
mod store;
mod telemetry;
mod trace;
mod wire;
pub mod workers;

pub use app::{App, AppConfig};
pub use auth::{Caller, Guard};
pub use config::Config;
pub use openapi::document;
pub use run::{Server, ServerError};
pub use telemetry::init as init_telemetry;

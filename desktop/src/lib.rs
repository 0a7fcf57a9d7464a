//! The app: what a person looks at while agents work, and where they decide.
//!
//! One code base for a native window (feature `native`) and for browsers (feature `web`, target wasm32). What it knows
//! is in `orchestrator-desktop-model`; here is what draws it and what asks for it:
//!
//! - [`app`]: the shell: navigation, the connection, the keyboard, what screens have in common.
//! - `screen`: one file a screen, each with `Message`, `update(&mut self, ..) -> (Task<Message>, Option<Event>)` and
//!   `view(&self, ..)`. An [`screen::Event`] is what the shell must do.
//! - `connection`: the calls of the API and the live events, from a server or from an engine inside the app.
//! - `widget` and `theme`: how things look, once.

pub mod app;
pub mod clock;
pub mod connection;
pub mod keep;
pub mod screen;
pub mod secret;
pub mod theme;
pub mod widget;
pub mod words;

pub use app::{App, run};

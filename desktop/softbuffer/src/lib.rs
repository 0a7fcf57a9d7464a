//! Pixels on a browser's canvas. It takes the place of the crate of the same name where the app is a page, and does the
//! same as that for what the app is drawn with, in a tenth of the time: only what has changed is sent to the canvas, and a
//! row at a time.

#[cfg(target_family = "wasm")]
mod canvas;
#[cfg(any(target_family = "wasm", test))]
mod picture;

#[cfg(target_family = "wasm")]
pub use canvas::{Buffer, Context, SoftBufferError, Surface};

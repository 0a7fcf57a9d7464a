//! A canvas in a browser's page.

use std::{fmt, marker::PhantomData, num::NonZeroU32, ops};

use js_sys::{Object, Reflect};
use raw_window_handle::{HasDisplayHandle, HasWindowHandle, RawWindowHandle};
use wasm_bindgen::{Clamped, JsCast, JsValue};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

use crate::picture::Picture;

/// Why nothing can be drawn.
#[derive(Debug)]
pub struct SoftBufferError(String);

impl fmt::Display for SoftBufferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SoftBufferError {}

impl SoftBufferError {
    fn new(what: &str) -> Self {
        Self(what.to_owned())
    }

    fn js(what: &str, error: &JsValue) -> Self {
        Self(format!("{what}: {error:?}"))
    }
}

/// Where there are surfaces: the page.
#[derive(Debug, Clone)]
pub struct Context<D>(PhantomData<D>);

impl<D: HasDisplayHandle> Context<D> {
    /// There is but one page.
    pub fn new(_: D) -> Result<Self, SoftBufferError> {
        Ok(Self(PhantomData))
    }
}

/// A canvas, and what is drawn on it.
#[derive(Debug)]
pub struct Surface<D, W> {
    canvas: HtmlCanvasElement,
    on: CanvasRenderingContext2d,
    picture: Picture,
    window: W,
    display: PhantomData<D>,
}

impl<D: HasDisplayHandle, W: HasWindowHandle> Surface<D, W> {
    /// # Errors
    ///
    /// When the window is no canvas, or one that something else draws on.
    pub fn new(_: &Context<D>, window: W) -> Result<Self, SoftBufferError> {
        let handle = window
            .window_handle()
            .map_err(|error| SoftBufferError(error.to_string()))?;
        let canvas = canvas(handle.as_raw())?;
        let how = Object::new();
        let opaque = Reflect::set(&how, &"alpha".into(), &JsValue::FALSE);
        opaque.map_err(|error| SoftBufferError::js("the canvas cannot be described", &error))?;
        let on = canvas.get_context_with_context_options("2d", &how);
        let on = on.map_err(|error| SoftBufferError::js("the canvas cannot be drawn on", &error))?;
        let on = on.ok_or_else(|| SoftBufferError::new("something else draws on the canvas"))?;
        Ok(Self {
            canvas,
            on: on.unchecked_into(),
            picture: Picture::default(),
            window,
            display: PhantomData,
        })
    }

    /// The window that it is on.
    pub fn window(&self) -> &W {
        &self.window
    }

    /// Makes it as large as this, in pixels.
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it fails")]
    pub fn resize(&mut self, width: NonZeroU32, height: NonZeroU32) -> Result<(), SoftBufferError> {
        if self.picture.resize(width.get() as usize, height.get() as usize) {
            self.canvas.set_width(width.get());
            self.canvas.set_height(height.get());
        }
        Ok(())
    }

    /// What is to be drawn on.
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it fails")]
    pub fn buffer_mut(&mut self) -> Result<Buffer<'_, D, W>, SoftBufferError> {
        Ok(Buffer(self))
    }
}

/// The pixels of a surface, row by row, each `0x00RRGGBB`.
#[derive(Debug)]
pub struct Buffer<'a, D, W>(&'a mut Surface<D, W>);

impl<D: HasDisplayHandle, W: HasWindowHandle> Buffer<'_, D, W> {
    /// How many pictures ago these pixels were shown; 0 for never, so that all of them are painted. What paints can also
    /// paint only the parts that have changed, but does so part by part and through a mask: when much has changed, as in
    /// a list that is scrolled, that takes ten times as long as all of it.
    #[expect(clippy::unused_self, reason = "elsewhere it depends")]
    pub fn age(&self) -> u8 {
        0
    }

    /// Shows them.
    pub fn present(self) -> Result<(), SoftBufferError> {
        let Some((area, bytes)) = self.0.picture.show() else {
            return Ok(());
        };
        let image = ImageData::new_with_u8_clamped_array(Clamped(bytes), area.columns.len() as u32);
        let image = image.map_err(|error| SoftBufferError::js("no picture can be made", &error))?;
        let (x, y) = (area.columns.start as f64, area.rows.start as f64);
        let shown = self.0.on.put_image_data(&image, x, y);
        shown.map_err(|error| SoftBufferError::js("the picture cannot be shown", &error))
    }
}

impl<D, W> ops::Deref for Buffer<'_, D, W> {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        self.0.picture.pixels()
    }
}

impl<D, W> ops::DerefMut for Buffer<'_, D, W> {
    fn deref_mut(&mut self) -> &mut [u32] {
        self.0.picture.pixels_mut()
    }
}

fn canvas(handle: RawWindowHandle) -> Result<HtmlCanvasElement, SoftBufferError> {
    match handle {
        RawWindowHandle::WebCanvas(handle) => {
            #[expect(unsafe_code, reason = "a canvas is handed over as a pointer")]
            // SAFETY: it points to a `JsValue`, says the type of the handle, for as long as the window is borrowed.
            let value: &JsValue = unsafe { handle.obj.cast().as_ref() };
            Ok(value.clone().unchecked_into())
        }
        RawWindowHandle::Web(handle) => {
            let page = web_sys::window().and_then(|window| window.document());
            let found = page.and_then(|page| {
                let which = format!("canvas[data-raw-handle=\"{}\"]", handle.id);
                page.query_selector(&which).ok().flatten()
            });
            let found = found.ok_or_else(|| SoftBufferError::new("the page has no canvas"))?;
            Ok(found.unchecked_into())
        }
        _ => Err(SoftBufferError::new("the window is no canvas")),
    }
}

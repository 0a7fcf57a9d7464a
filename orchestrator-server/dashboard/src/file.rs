//! A file of the app.

use std::fmt::Write;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::Encoding;

/// A file of the app, in all its forms.
#[derive(Clone)]
pub struct File {
    content_type: &'static str,
    tag: String,
    /// The best first; the last is for everyone.
    forms: Vec<(Encoding, Bytes)>,
}

impl File {
    /// None when not everyone would understand one of the forms.
    pub(crate) fn new(name: &str, mut forms: Vec<(Encoding, Bytes)>) -> Option<Self> {
        forms.sort_unstable_by_key(|(encoding, _)| *encoding);
        let (_, plain) = forms.last().filter(|(encoding, _)| *encoding == Encoding::Identity)?;
        let mut tag = String::from("\"");
        for byte in &Sha256::digest(plain)[..12] {
            write!(tag, "{byte:02x}").ok()?;
        }
        tag.push('"');
        Some(Self {
            content_type: content_type(name),
            tag,
            forms,
        })
    }

    /// What it is.
    pub fn content_type(&self) -> &'static str {
        self.content_type
    }

    /// Its `ETag`, quotes included: another for every text.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The best form for whoever sent this `Accept-Encoding`.
    pub fn best(&self, accepted: Option<&str>) -> (Encoding, Bytes) {
        let mut forms = self.forms.iter();
        let best = forms.find(|(encoding, _)| encoding.is_accepted(accepted));
        best.cloned().unwrap_or((Encoding::Identity, Bytes::new()))
    }
}

/// What a file is, by its name. Browsers refuse scripts and WebAssembly that are called something else.
fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ttf") => "font/ttf",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}

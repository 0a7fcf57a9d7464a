//! What lies between WebAssembly and a browser.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

/// The app and the script that loads it.
pub(crate) struct Bindings {
    /// WebAssembly.
    pub(crate) wasm: Vec<u8>,
    /// A module whose default export starts it.
    pub(crate) script: Vec<u8>,
}

/// Makes the bindings of a compiled app.
pub(crate) fn make(wasm: &Path) -> Result<Bindings> {
    if !wasm.is_file() {
        bail!("there is no {}; `make web` builds it", wasm.display());
    }
    let folder = tempfile::tempdir().context("cannot make a folder for the bindings")?;
    let mut bindgen = Bindgen::new();
    bindgen.input_path(wasm).typescript(false).out_name("app");
    // Names of functions are a tenth of what is sent, and only for those who look for where the time goes.
    bindgen.remove_name_section(true).remove_producers_section(true);
    bindgen
        .web(true)
        .and_then(|bindgen| bindgen.generate(folder.path()))
        .with_context(|| format!("{} cannot be bound to a browser", wasm.display()))?;
    let mut found = fs::read_dir(folder.path())?;
    // Whatever else a future app brings would have to be served too.
    let more = found.any(|entry| entry.is_ok_and(|entry| entry.file_name() == "snippets"));
    if more {
        bail!("the app brings scripts of its own (snippets), which are not served yet");
    }
    Ok(Bindings {
        wasm: fs::read(folder.path().join("app_bg.wasm"))?,
        script: fs::read(folder.path().join("app.js"))?,
    })
}

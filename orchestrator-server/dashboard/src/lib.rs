//! The app for browsers, as `make web` builds it, as files that a server answers with.
//!
//! A program that is built with `ORCHESTRATOR_DASHBOARD` naming the folder has it built in; others may read it from the
//! folder when they start. Which of the forms of a file is sent is decided here; HTTP is the server's business.

mod encoding;
mod file;

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use bytes::Bytes;

pub use self::{encoding::Encoding, file::File};

mod built_in {
    include!(concat!(env!("OUT_DIR"), "/built_in.rs"));
}

/// The page that everything begins with.
const PAGE: &str = "index.html";

/// The folder of everything else. Names there say what is in the files, so that they never change.
const ASSETS: &str = "assets/";

/// The largest file that is read from a folder: one that is larger is not ours.
const LARGEST: u64 = 64 << 20;

/// All files of the app.
pub struct Dashboard {
    page: File,
    /// By their names below `assets/`.
    assets: BTreeMap<String, File>,
}

/// Why a folder is not the app's.
#[derive(Debug, thiserror::Error)]
pub enum DashboardError {
    /// It cannot be read.
    #[error("{path} cannot be read: {error}")]
    Unreadable {
        /// What.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It has no page.
    #[error("there is no {PAGE} in {0}; `make web` builds the app into target/dashboard")]
    NoPage(PathBuf),
    /// It has a file that is far too large.
    #[error("{0} is too large to be a file of the app")]
    TooLarge(PathBuf),
}

impl Dashboard {
    /// The app that is built into this program, if one is.
    pub fn built_in() -> Option<Self> {
        let files = built_in::BUILT_IN.iter();
        Self::of(files.map(|(name, bytes)| ((*name).to_owned(), Bytes::from_static(bytes))))
    }

    /// Reads the app from the folder that `make web` made. What changes there later is not seen.
    ///
    /// # Errors
    ///
    /// It is no such folder, or cannot be read.
    pub fn open(folder: &Path) -> Result<Self, DashboardError> {
        let mut files = Vec::new();
        read(folder, "", &mut files)?;
        read(&folder.join(ASSETS), ASSETS, &mut files)?;
        Self::of(files).ok_or_else(|| DashboardError::NoPage(folder.to_owned()))
    }

    fn of(files: impl IntoIterator<Item = (String, Bytes)>) -> Option<Self> {
        let mut forms: BTreeMap<String, Vec<(Encoding, Bytes)>> = BTreeMap::new();
        for (name, bytes) in files {
            let (name, encoding) = Encoding::of_name(&name);
            forms.entry(name.to_owned()).or_default().push((encoding, bytes));
        }
        let mut files: BTreeMap<String, File> = forms
            .into_iter()
            .filter_map(|(name, forms)| Some((name.clone(), File::new(&name, forms)?)))
            .collect();
        let page = files.remove(PAGE)?;
        let assets = files
            .into_iter()
            .filter_map(|(name, file)| Some((name.strip_prefix(ASSETS)?.to_owned(), file)))
            .collect();
        Some(Self { page, assets })
    }

    /// The page that everything begins with.
    pub fn page(&self) -> &File {
        &self.page
    }

    /// A file of the page, by its name below `assets/`.
    pub fn asset(&self, name: &str) -> Option<&File> {
        self.assets.get(name)
    }
}

impl fmt::Debug for Dashboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dashboard")
            .field("assets", &self.assets.keys())
            .finish_non_exhaustive()
    }
}

/// Reads the files of a folder, none of those in folders below it.
fn read(folder: &Path, prefix: &str, files: &mut Vec<(String, Bytes)>) -> Result<(), DashboardError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| DashboardError::Unreadable { path, error }
    };
    for entry in fs::read_dir(folder).map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        let meta = fs::metadata(&path).map_err(failed(&path))?;
        let Some(name) = path
            .file_name()
            .and_then(|name| name.to_str())
            .filter(|_| meta.is_file())
        else {
            continue;
        };
        if meta.len() > LARGEST {
            return Err(DashboardError::TooLarge(path));
        }
        let bytes = fs::read(&path).map_err(failed(&path))?;
        files.push((format!("{prefix}{name}"), bytes.into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("assets")).expect("a folder");
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("a file");
        }
        folder
    }

    #[test]
    fn a_folder_is_read_with_its_forms() {
        let folder = folder(&[
            ("index.html", "<!doctype html>"),
            ("assets/app-1.wasm", "raw"),
            ("assets/app-1.wasm.br", "br"),
            ("assets/app-1.wasm.gz", "gz"),
            // Only in a form that not everyone understands: as if it was not there.
            ("assets/lost.js.br", "br"),
        ]);
        let dashboard = Dashboard::open(folder.path()).expect("the app");
        assert_eq!(dashboard.page().content_type(), "text/html; charset=utf-8");
        let wasm = dashboard.asset("app-1.wasm").expect("a file");
        assert_eq!(wasm.content_type(), "application/wasm");
        assert_eq!(wasm.best(Some("gzip, br")), (Encoding::Brotli, Bytes::from("br")));
        assert_eq!(wasm.best(Some("gzip")), (Encoding::Gzip, Bytes::from("gz")));
        assert_eq!(wasm.best(None), (Encoding::Identity, Bytes::from("raw")));
        for name in ["lost.js", "../index.html", "index.html", "app-1.wasm.br", ""] {
            assert!(dashboard.asset(name).is_none(), "{name}");
        }
    }

    #[test]
    fn what_is_no_app_says_how_to_get_one() {
        let said = |folder: &Path| Dashboard::open(folder).expect_err("no app").to_string();
        let empty = folder(&[]);
        assert!(said(empty.path()).contains("make web"), "{}", said(empty.path()));
        let missing = empty.path().join("missing");
        assert!(said(&missing).contains("cannot be read"), "{}", said(&missing));
    }

    #[test]
    fn the_same_text_has_the_same_tag_and_another_text_another() {
        let tag = |text: &str| {
            let folder = folder(&[("index.html", text)]);
            Dashboard::open(folder.path()).expect("the app").page().tag().to_owned()
        };
        assert_eq!(tag("a"), tag("a"));
        assert_ne!(tag("a"), tag("b"));
        assert!(tag("a").starts_with('"') && tag("a").ends_with('"'));
    }
}

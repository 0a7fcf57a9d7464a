//! Lists the files of a folder that is not a git repository.

use std::path::Path;

use super::{Listed, ListedKind};
use crate::review::finding::Unchecked;
use crate::review::source::RepoPath;

/// Folders that tools fill and nobody writes, wherever they stand.
const FILLED_BY_TOOLS: &[&str] = &[
    ".git",
    ".hg",
    ".svn",
    ".jj",
    "node_modules",
    "__pycache__",
    ".venv",
    "venv",
    ".tox",
    ".nox",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".gradle",
    ".idea",
    ".next",
    ".nuxt",
    ".terraform",
    ".cache",
];

/// All files in order of their paths, and what could not be read. Links are not followed.
pub(super) fn list(dir: &Path) -> (Vec<Listed>, Vec<Unchecked>) {
    let mut files = Vec::new();
    let mut problems = Vec::new();
    let walk = ignore::WalkBuilder::new(dir)
        .hidden(false)
        .parents(false)
        .git_global(false)
        .require_git(false)
        .follow_links(false)
        .filter_entry(|entry| entry.depth() == 0 || !is_filled_by_tools(entry.path()))
        .build();
    for entry in walk {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                problems.push(Unchecked::new(place_of(&error, dir), "could not be read"));
                continue;
            }
        };
        let Ok(relative) = entry.path().strip_prefix(dir) else {
            continue;
        };
        let kind = match entry.file_type() {
            Some(kind) if kind.is_file() => ListedKind::File,
            Some(kind) if kind.is_symlink() => ListedKind::Symlink,
            _ => continue,
        };
        files.push(Listed {
            path: RepoPath::from_path(relative),
            kind,
        });
    }
    files.sort();
    problems.sort();
    (files, problems)
}

fn is_filled_by_tools(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    // Cargo and others mark the folders that they can fill again.
    FILLED_BY_TOOLS.contains(&name) && path.is_dir() || path.join("CACHEDIR.TAG").is_file()
}

/// The path an error is about, relative to the repository.
fn place_of(error: &ignore::Error, dir: &Path) -> String {
    match error {
        ignore::Error::WithPath { path, .. } => {
            RepoPath::from_path(path.strip_prefix(dir).unwrap_or(Path::new("?"))).to_string()
        }
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => place_of(err, dir),
        _ => "a file".to_owned(),
    }
}

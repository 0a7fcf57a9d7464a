//! Which files are reviewed, and which are not and why.

mod git;
mod inventory;
mod select;
mod walk;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::finding::Unchecked;
use super::options::Options;
use super::runner::{RunError, Runner};
use super::source::{Language, RepoPath, Role, Source};

pub use inventory::Inventory;

/// A file to review: the input of one file's task.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceFile {
    /// Where it is.
    pub path: RepoPath,
    /// What it is written in.
    pub language: Language,
    /// What it is for.
    pub role: Role,
    /// Part of a library rather than of a program.
    pub library: bool,
    /// Its size.
    pub bytes: u64,
}

impl SourceFile {
    /// Reads the structure of the file's text.
    pub fn source<'t>(&self, text: &'t str) -> Source<'t> {
        Source::new(self.path.clone(), self.language, self.role, self.library, text)
    }
}

/// What git knows about the repository.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GitFacts {
    /// The commit that is checked out; None before the first commit.
    pub head: Option<String>,
    /// The commit the changes are counted from, when only changes are reviewed.
    pub base: Option<String>,
    /// The reviewed folder inside the repository; empty for the whole.
    pub subfolder: String,
}

/// What is reviewed: the result of the first step, and the input of all others.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Scope {
    /// The repository as the user named it.
    pub repo: String,
    /// What git knows; None when it is not a git repository.
    pub git: Option<GitFacts>,
    /// The files to review, in order of their paths.
    pub files: Vec<SourceFile>,
    /// How many files were left out on purpose, by reason.
    pub skipped: BTreeMap<String, u32>,
    /// What should have been reviewed and could not be.
    pub unchecked: Vec<Unchecked>,
    /// What a reader should know about how the files were found.
    pub notes: Vec<String>,
    /// What the file names say about the repository as a whole.
    pub inventory: Inventory,
}

impl Scope {
    /// Divides the files into groups of at most `files` files and about `bytes` bytes, in order: for whoever finds one
    /// task a file too many. A larger file is alone in its group.
    pub fn batches(&self, files: usize, bytes: u64) -> Vec<Vec<SourceFile>> {
        let mut batches: Vec<Vec<SourceFile>> = Vec::new();
        let mut size = 0;
        for file in &self.files {
            match batches.last_mut() {
                Some(batch) if batch.len() < files.max(1) && size + file.bytes <= bytes => {
                    size += file.bytes;
                    batch.push(file.clone());
                }
                _ => {
                    size = file.bytes;
                    batches.push(vec![file.clone()]);
                }
            }
        }
        batches
    }
}

/// Why there is nothing to review.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScopeError {
    /// The folder does not exist or cannot be read.
    #[error("the folder {} cannot be read on the machine that runs the review: {source}", .dir.display())]
    Unreadable {
        /// The folder.
        dir: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is a file.
    #[error("{} is not a folder", .0.display())]
    NotAFolder(PathBuf),
    /// The options contradict themselves.
    #[error("the options cannot be used: {}", .0.join("; "))]
    Options(Vec<String>),
    /// The base of the changes is not known to git, or there is no git.
    #[error("changes since {base:?} cannot be listed: {reason}")]
    Base {
        /// The ref.
        base: String,
        /// Why.
        reason: String,
    },
    /// Git failed in a way that a plain walk cannot replace.
    #[error("git {verb} failed: {reason}")]
    Git {
        /// What it was asked to do.
        verb: String,
        /// What it said.
        reason: String,
    },
    /// A program could not be run.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// A file name with what its lister knows about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Listed {
    path: RepoPath,
    kind: ListedKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum ListedKind {
    File,
    Symlink,
    Submodule,
}

/// Lists the files of the repository at `dir`, which the user called `repo`.
///
/// In a git repository these are the tracked files and the untracked ones that are not ignored; elsewhere, and where
/// git refuses to work, all files that no `.gitignore` names. Nothing outside of `dir` is read: links are not followed.
pub async fn scope(repo: &str, dir: &Path, options: &Options, runner: &dyn Runner) -> Result<Scope, ScopeError> {
    let problems = options.problems();
    if !problems.is_empty() {
        return Err(ScopeError::Options(problems));
    }
    let unreadable = |source| ScopeError::Unreadable {
        dir: dir.to_owned(),
        source,
    };
    let metadata = std::fs::metadata(dir).map_err(unreadable)?;
    if !metadata.is_dir() {
        return Err(ScopeError::NotAFolder(dir.to_owned()));
    }
    let mut scope = Scope {
        repo: repo.to_owned(),
        ..Scope::default()
    };
    let (listed, changed) = match git::list(dir, options.base.as_deref(), runner).await? {
        git::Listing::Repository { facts, files, changed } => {
            scope.git = Some(facts);
            (files, changed)
        }
        git::Listing::NotARepository { why } => {
            if let Some(base) = &options.base {
                return Err(ScopeError::Base {
                    base: base.clone(),
                    reason: why,
                });
            }
            scope
                .notes
                .push(format!("{why}; all files that no .gitignore names were reviewed"));
            let (files, mut problems) = walk::list(dir);
            scope.unchecked.append(&mut problems);
            (files, None)
        }
    };
    select::select(dir, listed, changed.as_ref(), options, &mut scope);
    Ok(scope)
}

#[cfg(test)]
mod tests;

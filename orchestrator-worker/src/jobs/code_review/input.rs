//! What a review is asked for.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::review::options::{AnalyserChoice, Options};

/// The input of `code_review`. Only `repo` is required.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Code review", description = "What is reviewed, and how.")]
#[schemars(extend("x-order" = ["repo", "changed_since", "include", "exclude", "trust", "analysers", "max_parallel",
    "max_files"]))]
#[serde(deny_unknown_fields)]
pub struct ReviewInput {
    /// The folder of the repository, on the machine that runs the review.
    #[schemars(title = "Repository")]
    pub repo: PathBuf,
    /// Review only what changed since this commit or branch. Defaults to everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Changed since", example = &"main")]
    pub changed_since: Option<String>,
    /// Review only these paths: prefixes or globs. Defaults to all.
    #[serde(default, alias = "paths", skip_serializing_if = "Vec::is_empty")]
    #[schemars(title = "Only these paths", example = ["src", "*.py"])]
    pub include: Vec<String>,
    /// Leave these paths out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(title = "Not these paths")]
    pub exclude: Vec<String>,
    /// Run linters that execute code of the repository. Defaults to false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(title = "Trust the repository")]
    pub trust: bool,
    /// Which linters: `auto` (those that are there), `none`, or names. Defaults to `auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Linters", example = &"auto")]
    pub analysers: Option<String>,
    /// How many files are reviewed at once. Defaults to 8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Files at once", range(min = 1, max = 256))]
    pub max_parallel: Option<u32>,
    /// Review at most so many files; production code goes first. Defaults to 5,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Files at most", range(min = 1))]
    pub max_files: Option<usize>,
}

impl ReviewInput {
    /// How many files are reviewed at once.
    pub fn max_parallel(&self) -> u32 {
        self.max_parallel.unwrap_or(8).clamp(1, 256)
    }

    /// What the report calls the repository.
    pub fn name(&self) -> String {
        let name = self.repo.file_name().map(|name| name.to_string_lossy().into_owned());
        name.unwrap_or_else(|| self.repo.display().to_string())
    }

    /// How the review is done.
    pub fn options(&self) -> Options {
        let defaults = Options::default();
        Options {
            base: self.changed_since.clone(),
            include: self.include.clone(),
            exclude: self.exclude.clone(),
            trust: self.trust,
            analysers: self
                .analysers
                .as_deref()
                .map_or(AnalyserChoice::Auto, AnalyserChoice::parse),
            max_files: self.max_files.unwrap_or(defaults.max_files),
            ..defaults
        }
    }
}

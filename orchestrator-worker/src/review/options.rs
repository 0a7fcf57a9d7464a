//! What a review may be told: which files, how far, and what it may execute.

use serde::{Deserialize, Serialize};

use super::finding::Confidence;

/// Which analysers found on the machine are run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "AnalyserWords", into = "AnalyserWords")]
pub enum AnalyserChoice {
    /// Every one that is present and may be run. The default.
    #[default]
    Auto,
    /// None: only the built-in checks.
    None,
    /// Only these, by name. Naming one does not imply trust.
    Named(Vec<String>),
}

/// The JSON of [`AnalyserChoice`]: `"auto"`, `"none"`, `"ruff,clippy"` or `["ruff", "clippy"]`.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum AnalyserWords {
    Word(String),
    List(Vec<String>),
}

impl AnalyserChoice {
    /// Reads a command line's value: `auto`, `none` or names separated by commas.
    pub fn parse(text: &str) -> Self {
        match text.trim() {
            "" | "auto" => Self::Auto,
            "none" => Self::None,
            names => Self::Named(names.split(',').map(|name| name.trim().to_owned()).collect()),
        }
    }

    /// True when the analyser `name` is wanted.
    pub fn wants(&self, name: &str) -> bool {
        match self {
            Self::Auto => true,
            Self::None => false,
            Self::Named(names) => names.iter().any(|wanted| wanted == name),
        }
    }
}

impl From<AnalyserWords> for AnalyserChoice {
    fn from(words: AnalyserWords) -> Self {
        match words {
            AnalyserWords::Word(text) => Self::parse(&text),
            AnalyserWords::List(names) if names.is_empty() => Self::None,
            AnalyserWords::List(names) => Self::Named(names),
        }
    }
}

impl From<AnalyserChoice> for AnalyserWords {
    fn from(choice: AnalyserChoice) -> Self {
        match choice {
            AnalyserChoice::Auto => Self::Word("auto".to_owned()),
            AnalyserChoice::None => Self::Word("none".to_owned()),
            AnalyserChoice::Named(names) => Self::List(names),
        }
    }
}

/// From where on size counts as a problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Lines of code (no blanks, no comments, no nested functions) in one function. Defaults to 80.
    pub function_lines: u32,
    /// Lines of code in one file. Defaults to 800.
    pub file_lines: u32,
    /// Control structures inside each other. Defaults to 5: the sixth is reported.
    pub nesting: u32,
    /// Characters in one line of code. Defaults to 200.
    pub line_chars: u32,
    /// Significant lines that must be equal to count as a duplicated block. Defaults to 10; at least 8.
    pub duplicate_lines: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            function_lines: 80,
            file_lines: 800,
            nesting: 5,
            line_chars: 200,
            duplicate_lines: 10,
        }
    }
}

/// The options of one review. Every field has a default, so `{}` is a valid input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// Review only what changed since this git ref (its merge base with HEAD), uncommitted and untracked files
    /// included. Defaults to none: everything.
    pub base: Option<String>,
    /// Only files below these prefixes or matching these globs. Defaults to all.
    pub include: Vec<String>,
    /// Not the files below these prefixes or matching these globs. Wins over `include`.
    pub exclude: Vec<String>,
    /// Most files to review; production code goes first. Defaults to 5,000.
    pub max_files: usize,
    /// Largest file to read, in bytes. Defaults to 1 MiB.
    pub max_file_bytes: u64,
    /// Which analysers are run. Defaults to those that are present.
    pub analysers: AnalyserChoice,
    /// Allow analysers that execute code of the reviewed repository (clippy: build scripts and procedural macros;
    /// eslint: its configuration; go vet: cgo). Defaults to false.
    pub trust: bool,
    /// Longest run of one analyser over the repository, in seconds; over one file a tenth of it. Defaults to 600.
    pub analyser_timeout_secs: u64,
    /// Findings less sure than this are dropped by the critique. Defaults to low: none is.
    pub min_confidence: Confidence,
    /// From where on size counts as a problem.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            base: None,
            include: Vec::new(),
            exclude: Vec::new(),
            max_files: 5_000,
            max_file_bytes: 1 << 20,
            analysers: AnalyserChoice::Auto,
            trust: false,
            analyser_timeout_secs: 600,
            min_confidence: Confidence::Low,
            limits: Limits::default(),
        }
    }
}

impl Options {
    /// Everything that is wrong with the options, for people; empty when they can be used.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self
            .base
            .as_deref()
            .is_some_and(|base| base.is_empty() || base.starts_with('-'))
        {
            problems.push("base must be a git ref".to_owned());
        }
        if self.max_files == 0 {
            problems.push("max_files must be at least 1".to_owned());
        }
        if self.limits.duplicate_lines < 8 {
            problems.push("limits.duplicate_lines must be at least 8: shorter blocks are coincidence".to_owned());
        }
        if self.limits.function_lines == 0 || self.limits.file_lines == 0 || self.limits.line_chars == 0 {
            problems.push("limits must be at least 1".to_owned());
        }
        for pattern in self.include.iter().chain(&self.exclude) {
            if let Err(error) = globset::Glob::new(pattern) {
                problems.push(format!("{pattern:?} is not a path prefix or glob: {}", error.kind()));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_object_is_the_default_and_round_trips() {
        let options: Options = serde_json::from_str("{}").unwrap();
        assert_eq!(options, Options::default());
        assert!(options.problems().is_empty());
        let again: Options = serde_json::from_str(&serde_json::to_string(&options).unwrap()).unwrap();
        assert_eq!(again, options);
    }

    #[test]
    fn analysers_are_a_word_or_a_list() {
        for (json, wants_ruff, wants_clippy) in [
            ("\"auto\"", true, true),
            ("\"none\"", false, false),
            ("[]", false, false),
            ("\"ruff, eslint\"", true, false),
            ("[\"clippy\"]", false, true),
        ] {
            let choice: AnalyserChoice = serde_json::from_str(json).unwrap();
            assert_eq!(
                (choice.wants("ruff"), choice.wants("clippy")),
                (wants_ruff, wants_clippy),
                "{json}"
            );
            let again: AnalyserChoice = serde_json::from_value(serde_json::to_value(&choice).unwrap()).unwrap();
            assert_eq!(again, choice);
        }
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let options = Options {
            base: Some("--output=x".to_owned()),
            max_files: 0,
            include: vec!["a[".to_owned()],
            limits: Limits {
                duplicate_lines: 3,
                ..Limits::default()
            },
            ..Options::default()
        };
        assert_eq!(options.problems().len(), 4);
    }
}

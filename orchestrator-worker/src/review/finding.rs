//! What a review finds: the vocabulary every check, analyser and model speaks.

use serde::{Deserialize, Serialize};

use super::source::RepoPath;

/// Declares an enum that is a plain word in JSON and reads an unknown word as its fallback, so that a newer worker's
/// answer never breaks an older one.
macro_rules! words {
    ($(#[$meta:meta])* pub enum $name:ident, unknown = $unknown:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vmeta])* $variant,)+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word used in JSON and in reports.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The value that `word` names, or `None` for a word of another version.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl Default for $name {
            fn default() -> Self { Self::$unknown }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.as_str()) }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> { to.serialize_str(self.as_str()) }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let word = <String as serde::Deserialize>::deserialize(from)?;
                Ok(Self::parse(&word).unwrap_or(Self::$unknown))
            }
        }
    };
}
pub(crate) use words;

words! {
    /// How bad it is if the finding is right. Ordered: `Info < Critical`.
    pub enum Severity, unknown = Info {
        /// Worth knowing; costs no points.
        Info = "info",
        /// Untidy; fix when you are there.
        Low = "low",
        /// Will cost somebody time; plan it.
        Medium = "medium",
        /// A likely fault or weakness; fix soon.
        High = "high",
        /// Stop and fix: a leaked credential, a file that cannot work.
        Critical = "critical",
    }
}

words! {
    /// How sure the finder is. Ordered: `Low < High`.
    pub enum Confidence, unknown = Low {
        /// A guess worth a look.
        Low = "low",
        /// Usually right.
        Medium = "medium",
        /// Right unless something unusual is going on.
        High = "high",
    }
}

words! {
    /// The five dimensions in which a repository is scored.
    pub enum Dimension, unknown = CodeQuality {
        /// Readable, consistent, handles its errors.
        CodeQuality = "code_quality",
        /// Nothing promised is missing: no stubs, no loose ends, documentation and licence in place.
        Completeness = "completeness",
        /// No leaked secrets and no dangerous calls.
        Security = "security",
        /// Sized and divided so that it can be changed.
        Architecture = "architecture",
        /// Tested, and built so that it can be.
        Testability = "testability",
    }
}

/// The source name of the checks in this crate.
pub const BUILTIN: &str = "builtin";
/// The source name of a language model.
pub const MODEL: &str = "model";

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Location {
    /// The file; empty for the repository as a whole.
    pub file: RepoPath,
    /// First line, from 1.
    pub line: u32,
    /// Last line, inclusive.
    pub end_line: u32,
}

/// One thing that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Finding {
    /// The check's stable id: `secret.github_token`, `clippy::unwrap_used`, `ruff:F401`.
    pub check: String,
    /// How bad it is.
    pub severity: Severity,
    /// Which score it counts against.
    pub dimension: Dimension,
    /// The file; empty for the repository as a whole.
    pub file: RepoPath,
    /// First line, from 1. None for the whole file or repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Last line, inclusive; None when it is one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
    /// What is there, in one sentence. Never contains a secret.
    pub message: String,
    /// Why it matters and what to do.
    pub why: String,
    /// How sure the finder is.
    pub confidence: Confidence,
    /// Who found it: `builtin`, an analyser's name, `model`. More than one after the critique merged equals.
    pub sources: Vec<String>,
    /// Other places that belong to it, such as the copies of a duplicated block.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Location>,
    /// How many occurrences in the file it stands for; 0 and 1 both mean one.
    #[serde(skip_serializing_if = "is_single")]
    pub count: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_single(count: &u32) -> bool {
    *count <= 1
}

impl Finding {
    /// A finding of a built-in check, with high confidence.
    pub fn builtin(check: &str, severity: Severity, dimension: Dimension, file: &RepoPath) -> Self {
        Self {
            check: check.to_owned(),
            severity,
            dimension,
            file: file.clone(),
            confidence: Confidence::High,
            sources: vec![BUILTIN.to_owned()],
            ..Self::default()
        }
    }

    /// Puts it on `line` (from 1).
    #[must_use]
    pub fn at(mut self, line: u32) -> Self {
        self.line = Some(line);
        self
    }

    /// Puts it on the lines from `line` to `end` inclusive.
    #[must_use]
    pub fn span(mut self, line: u32, end: u32) -> Self {
        self.line = Some(line);
        self.end_line = (end > line).then_some(end);
        self
    }

    /// Says what was found, and why it matters with what to do about it.
    #[must_use]
    pub fn says(mut self, message: impl Into<String>, why: impl Into<String>) -> Self {
        self.message = message.into();
        self.why = why.into();
        self
    }

    /// Lowers or raises how sure the finder is.
    #[must_use]
    pub fn confident(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }

    /// True when it is about the repository and not about one file.
    pub fn is_repo_level(&self) -> bool {
        self.file.is_empty()
    }

    /// `src/a.rs:12`, or `the repository`.
    pub fn place(&self) -> String {
        match (self.file.is_empty(), self.line) {
            (true, _) => "the repository".to_owned(),
            (false, Some(line)) => format!("{}:{line}", self.file),
            (false, None) => self.file.to_string(),
        }
    }

    /// The order of a report: worst first, then surest, then by place. Total, so that equal input gives equal output.
    pub fn order(&self, other: &Self) -> std::cmp::Ordering {
        other
            .severity
            .cmp(&self.severity)
            .then(other.confidence.cmp(&self.confidence))
            .then_with(|| self.by_place(other))
    }

    /// The order of reading: file, line, check, message.
    pub fn by_place(&self, other: &Self) -> std::cmp::Ordering {
        (
            &self.file,
            self.line,
            self.end_line,
            &self.check,
            &self.message,
            &self.sources,
        )
            .cmp(&(
                &other.file,
                other.line,
                other.end_line,
                &other.check,
                &other.message,
                &other.sources,
            ))
    }
}

/// Something that was in scope and could not be checked, or not completely: the honest part of a report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Unchecked {
    /// What: a file's path, an analyser's name, `the model`.
    pub what: String,
    /// Why, in words that are the same for equal causes, so that a report can group them.
    pub reason: String,
}

impl Unchecked {
    /// `what` could not be checked because of `reason`.
    pub fn new(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            reason: reason.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back_and_unknown_words_fall_back() {
        for severity in Severity::ALL {
            let json = serde_json::to_string(severity).unwrap();
            assert_eq!(serde_json::from_str::<Severity>(&json).unwrap(), *severity);
        }
        assert_eq!(
            serde_json::from_str::<Severity>("\"apocalyptic\"").unwrap(),
            Severity::Info
        );
        assert!(Severity::Critical > Severity::High && Confidence::High > Confidence::Low);
    }

    #[test]
    fn a_finding_of_another_version_is_still_read() {
        let json = r#"{"check":"x","file":"a b.rs","line":3,"new_field":{"a":1}}"#;
        let finding: Finding = serde_json::from_str(json).unwrap();
        assert_eq!(
            (finding.place().as_str(), finding.severity),
            ("a b.rs:3", Severity::Info)
        );
    }

    #[test]
    fn the_order_is_worst_first() {
        let path = RepoPath::from("a");
        let low = Finding::builtin("b", Severity::Low, Dimension::Security, &path).at(1);
        let high = Finding::builtin("a", Severity::High, Dimension::Security, &path).at(9);
        assert_eq!(high.order(&low), std::cmp::Ordering::Less);
        assert_eq!(low.by_place(&high), std::cmp::Ordering::Less);
    }
}

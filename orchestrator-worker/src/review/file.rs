//! The review of one file with the built-in checks.

use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

use super::analyser::Analysis;
use super::checks;
use super::finding::{Finding, MODEL, Unchecked};
use super::options::Options;
use super::scope::SourceFile;
use super::source::{Decoded, Encoding, Language, RepoPath, Role, decode, generated_marker};

/// What the review of one file found: the result of one file's task.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FileReview {
    /// The file.
    pub path: RepoPath,
    /// What it is written in.
    pub language: Language,
    /// What it is for.
    pub role: Role,
    /// All its lines.
    pub lines: u32,
    /// Its lines that hold code.
    pub code_lines: u32,
    /// Those of them that are test code.
    pub test_lines: u32,
    /// How many named functions it has.
    pub functions: u32,
    /// What was found, in order of the lines.
    pub findings: Vec<Finding>,
    /// What could not be checked in it.
    pub unchecked: Vec<Unchecked>,
    /// Why it was left out on purpose; None when it was checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// What else was done with it: `ruff`, `model`.
    pub checked_by: Vec<String>,
}

impl FileReview {
    /// Adds what analysers found in the file.
    pub fn add(&mut self, analysis: Analysis) {
        self.findings.extend(analysis.findings);
        self.unchecked.extend(analysis.unchecked);
        self.checked_by.extend(analysis.ran);
    }

    /// Adds what a model that has read the file found in it.
    pub fn add_model(&mut self, findings: Vec<Finding>) {
        self.findings.extend(findings);
        if !self.checked_by.iter().any(|by| by == MODEL) {
            self.checked_by.push(MODEL.to_owned());
        }
    }
}

/// The text of a file, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loaded {
    /// The text, and a remark when it is not quite what is in the file.
    Text(String, Option<Unchecked>),
    /// It cannot be checked.
    Nothing(Unchecked),
}

/// Reads a file of the repository at `root`. Nothing outside of it is ever read, whatever the path says. Blocking.
pub fn load(root: &Path, path: &RepoPath, max_bytes: u64) -> Loaded {
    let nothing = |reason: String| Loaded::Nothing(Unchecked::new(path.to_string(), reason));
    let relative = path.to_path();
    if relative.components().any(|part| !matches!(part, Component::Normal(_))) {
        return nothing("its path leads out of the repository".to_owned());
    }
    let full = root.join(relative);
    let read = || -> std::io::Result<Result<Vec<u8>, &'static str>> {
        let metadata = std::fs::symlink_metadata(&full)?;
        if !metadata.is_file() {
            return Ok(Err("no longer a regular file"));
        }
        if metadata.len() > max_bytes {
            return Ok(Err("too large"));
        }
        // A folder on the way may be a link, too.
        if !full.canonicalize()?.starts_with(root.canonicalize()?) {
            return Ok(Err("its path leads out of the repository"));
        }
        std::fs::read(&full).map(Ok)
    };
    let bytes = match read() {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(reason)) => return nothing(reason.to_owned()),
        Err(error) => return nothing(format!("could not be read: {}", error.kind())),
    };
    match decode(&bytes) {
        Decoded::Text(text, Encoding::Latin1) => {
            let remark = Unchecked::new(
                path.to_string(),
                "not UTF-8: checked as Latin-1, so letters beyond ASCII may be wrong",
            );
            Loaded::Text(text, Some(remark))
        }
        Decoded::Text(text, _) => Loaded::Text(text, None),
        Decoded::Binary => nothing("binary".to_owned()),
    }
}

/// Reads one file and runs the built-in checks. Never fails: what went wrong is in `unchecked`. Blocking.
pub fn inspect(root: &Path, file: &SourceFile, options: &Options) -> FileReview {
    match load(root, &file.path, options.max_file_bytes) {
        Loaded::Text(text, remark) => {
            let mut review = inspect_text(file, &text, options);
            review.unchecked.extend(remark);
            review
        }
        Loaded::Nothing(reason) => FileReview {
            path: file.path.clone(),
            language: file.language,
            role: file.role,
            unchecked: vec![reason],
            ..FileReview::default()
        },
    }
}

/// Runs the built-in checks over a text. Pure.
pub fn inspect_text(file: &SourceFile, text: &str, options: &Options) -> FileReview {
    let mut review = FileReview {
        path: file.path.clone(),
        language: file.language,
        role: file.role,
        ..FileReview::default()
    };
    review.lines = text.lines().count() as u32;
    if let Some(reason) = generated_marker(file.language, text) {
        review.skipped = Some(reason.to_owned());
        return review;
    }
    let source = file.source(text);
    if file.language.is_code() {
        review.code_lines = source.code_lines();
        review.test_lines = source.test_lines();
        review.functions = source.functions.len() as u32;
    }
    review.findings = checks::check(&source, &options.limits);
    review
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn file(path: &str) -> SourceFile {
        let path = RepoPath::from(path);
        SourceFile {
            language: Language::detect(&path, ""),
            path,
            ..SourceFile::default()
        }
    }

    #[test]
    fn what_cannot_be_read_as_text_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("repo");
        fs::create_dir(&root).unwrap();
        fs::write(root.join("a.py"), b"# gr\xf6\xdfe\nexcept:\nx = eval(y)\n").unwrap();
        fs::write(root.join("b.py"), b"\0\x01").unwrap();
        fs::write(dir.path().join("outside.py"), "eval(x)\n").unwrap();
        let options = Options::default();
        let latin = inspect(&root, &file("a.py"), &options);
        assert_eq!(
            (
                latin.findings.iter().filter(|f| f.check == "danger.eval").count(),
                latin.unchecked.len()
            ),
            (1, 1)
        );
        for (path, reason) in [
            ("b.py", "binary"),
            ("c.py", "could not be read: entity not found"),
            ("../outside.py", "its path leads out of the repository"),
        ] {
            let review = inspect(&root, &file(path), &options);
            assert_eq!(review.unchecked, [Unchecked::new(path, reason)]);
            assert!(review.findings.is_empty());
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(dir.path(), root.join("up")).unwrap();
            std::os::unix::fs::symlink("../outside.py", root.join("link.py")).unwrap();
            assert!(
                inspect(&root, &file("up/outside.py"), &options).unchecked[0]
                    .reason
                    .contains("out of")
            );
            assert!(
                inspect(&root, &file("link.py"), &options).unchecked[0]
                    .reason
                    .contains("regular")
            );
        }
    }

    #[test]
    fn generated_files_are_left_alone() {
        let review = inspect_text(
            &file("a.go"),
            "// Code generated by x. DO NOT EDIT.\npackage a\n",
            &Options::default(),
        );
        assert_eq!(
            (review.findings.len(), review.skipped.is_some(), review.code_lines),
            (0, true, 0)
        );
    }
}

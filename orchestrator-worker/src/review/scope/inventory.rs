//! What the names of all files say about a repository.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::review::source::{Language, RepoPath, Role, role_of};

/// What a repository has, told by its file names. Lists are sorted and hold paths.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Inventory {
    /// How many files there are in all.
    pub files: u32,
    /// A README at the top.
    pub readme: bool,
    /// A licence at the top.
    pub license: bool,
    /// Configuration of continuous integration.
    pub ci: Vec<String>,
    /// What declares dependencies: `Cargo.toml`, `package.json`.
    pub manifests: Vec<String>,
    /// What pins them.
    pub lock_files: Vec<String>,
    /// Environment files that are likely to hold credentials.
    pub env_files: Vec<String>,
    /// Configuration of linters, by file name.
    pub linters: Vec<String>,
}

const MANIFESTS: &[&str] = &[
    "cargo.toml",
    "package.json",
    "pyproject.toml",
    "setup.py",
    "requirements.txt",
    "pipfile",
    "go.mod",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "gemfile",
    "composer.json",
    "mix.exs",
    "pubspec.yaml",
    "package.swift",
];
const LOCKS: &[&str] = &[
    "cargo.lock",
    "package-lock.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "bun.lockb",
    "npm-shrinkwrap.json",
    "poetry.lock",
    "pipfile.lock",
    "uv.lock",
    "pdm.lock",
    "go.sum",
    "gemfile.lock",
    "composer.lock",
    "mix.lock",
    "pubspec.lock",
    "package.resolved",
    "gradle.lockfile",
];
const CI: &[&str] = &[
    ".gitlab-ci.yml",
    ".travis.yml",
    "jenkinsfile",
    "azure-pipelines.yml",
    ".drone.yml",
    "bitbucket-pipelines.yml",
    "appveyor.yml",
    ".appveyor.yml",
    ".cirrus.yml",
    ".woodpecker.yml",
    "cloudbuild.yaml",
    ".build.yml",
];

impl Inventory {
    /// Reads the names of all files.
    pub fn of<'a>(paths: impl Iterator<Item = &'a RepoPath>) -> Self {
        let mut inventory = Self::default();
        for path in paths {
            inventory.files += 1;
            inventory.note(path);
        }
        inventory
    }

    fn note(&mut self, path: &RepoPath) {
        let text = path.as_str().to_owned();
        let name = path.name().to_ascii_lowercase();
        let top = path.folder().is_empty();
        let lower = text.to_ascii_lowercase();
        self.readme |= name.starts_with("readme") && (top || matches!(path.folder(), "docs" | ".github"));
        self.license |= ["license", "licence", "copying", "unlicense"]
            .iter()
            .any(|word| name.starts_with(word))
            && path.folders().count() <= 1;
        let workflow = [
            ".github/workflows/",
            ".circleci/",
            ".buildkite/",
            ".gitea/workflows/",
            ".forgejo/workflows/",
        ]
        .iter()
        .any(|folder| lower.starts_with(folder));
        // Self-hosted runners often start a script of the repository, and need no more configuration than that.
        let scripted = lower.starts_with(".ci/") || lower.starts_with("ci/");
        let workflow = workflow && matches!(path.extension().as_str(), "yml" | "yaml");
        if workflow || scripted || top && CI.contains(&name.as_str()) {
            self.ci.push(text.clone());
        }
        if MANIFESTS.contains(&name.as_str()) {
            self.manifests.push(text.clone());
        }
        if LOCKS.contains(&name.as_str()) {
            self.lock_files.push(text.clone());
        }
        let sample = ["example", "sample", "template", "dist", "test", "schema", "default"]
            .iter()
            .any(|word| name.contains(word));
        if (name == ".env" || name.starts_with(".env.")) && !sample && role_of(path, Language::Ini) == Role::Config {
            self.env_files.push(text.clone());
        }
        if name.starts_with("eslint.config.") || name.starts_with(".eslintrc") {
            self.linters.push(text);
        }
    }

    /// True when there is a file called `name` at the top.
    pub fn has_manifest(&self, name: &str) -> bool {
        self.manifests.iter().any(|path| path.eq_ignore_ascii_case(name))
    }
}

/// Which folders hold libraries, told by all file names.
pub(super) struct Libraries {
    /// Folders with a `Cargo.toml`, and whether the crate is a library only.
    crates: Vec<(String, bool)>,
    python: BTreeSet<String>,
}

impl Libraries {
    pub(super) fn of<'a>(paths: impl Iterator<Item = &'a RepoPath>) -> Self {
        let mut all = BTreeSet::new();
        let mut crates = Vec::new();
        let mut python = BTreeSet::new();
        for path in paths {
            match path.name() {
                "Cargo.toml" => crates.push(path.folder().to_owned()),
                "lib.rs" | "main.rs" => {
                    all.insert(path.as_str().to_owned());
                }
                "__init__.py" => {
                    python.insert(path.folder().to_owned());
                }
                _ => {}
            }
        }
        let under = |folder: &str, name: &str| {
            if folder.is_empty() {
                format!("src/{name}")
            } else {
                format!("{folder}/src/{name}")
            }
        };
        let mut crates: Vec<(String, bool)> = crates
            .into_iter()
            .map(|folder| {
                let library = all.contains(&under(&folder, "lib.rs")) && !all.contains(&under(&folder, "main.rs"));
                (folder, library)
            })
            .collect();
        // The innermost crate decides.
        crates.sort_by_key(|(folder, _)| std::cmp::Reverse(folder.len()));
        Self { crates, python }
    }

    /// True when the file is part of a library, as far as its place tells.
    pub(super) fn holds(&self, path: &RepoPath, language: Language) -> bool {
        match language {
            Language::Rust => {
                let inside = |folder: &str| {
                    folder.is_empty()
                        || path
                            .as_str()
                            .strip_prefix(folder)
                            .is_some_and(|rest| rest.starts_with('/'))
                };
                self.crates
                    .iter()
                    .find(|(folder, _)| inside(folder))
                    .is_some_and(|(_, library)| *library)
                    && path.name() != "main.rs"
                    && !path.folders().any(|folder| folder == "bin")
            }
            Language::Python => self.python.contains(path.folder()),
            Language::JavaScript | Language::TypeScript => path.folders().any(|folder| matches!(folder, "src" | "lib")),
            Language::Go => path.folders().next().is_some_and(|folder| folder != "cmd"),
            Language::Java | Language::Kotlin | Language::Php => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_a_repository_has() {
        let paths = [
            "README.md",
            "LICENSE-MIT",
            ".github/workflows/ci.yml",
            ".ci/run",
            "Cargo.toml",
            "sub/Cargo.toml",
            "Cargo.lock",
            ".env",
            ".env.example",
        ];
        let paths: Vec<RepoPath> = paths.into_iter().map(RepoPath::from).collect();
        let inventory = Inventory::of(paths.iter());
        assert!(
            inventory.readme
                && inventory.license
                && inventory.has_manifest("Cargo.toml")
                && !inventory.has_manifest("go.mod")
        );
        assert_eq!(
            (
                inventory.ci.len(),
                inventory.manifests.len(),
                inventory.lock_files.len()
            ),
            (2, 2, 1)
        );
        assert_eq!(inventory.env_files, [".env"]);
    }

    #[test]
    fn libraries_are_told_from_programs() {
        let paths = [
            "Cargo.toml",
            "src/main.rs",
            "a/Cargo.toml",
            "a/src/lib.rs",
            "a/src/x.rs",
            "p/__init__.py",
        ]
        .map(RepoPath::from);
        let libraries = Libraries::of(paths.iter());
        for (path, language, expected) in [
            ("a/src/x.rs", Language::Rust, true),
            ("a/src/bin/x.rs", Language::Rust, false),
            ("src/main.rs", Language::Rust, false),
            ("p/x.py", Language::Python, true),
            ("x.py", Language::Python, false),
            ("cmd/x/main.go", Language::Go, false),
        ] {
            assert_eq!(libraries.holds(&RepoPath::from(path), language), expected, "{path}");
        }
    }
}

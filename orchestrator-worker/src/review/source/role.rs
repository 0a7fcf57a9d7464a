//! What a file is for: production code, a test, an example.

use super::language::{Kind, Language};
use super::path::RepoPath;
use crate::review::finding::words;

words! {
    /// What a file is for. Findings weigh less where nothing runs in production.
    pub enum Role, unknown = Source {
        /// Code that users run.
        Source = "source",
        /// Code that builds or installs: `build.rs`, `setup.py`, CI scripts.
        Build = "build",
        /// Tests, their fixtures and mocks.
        Test = "test",
        /// Examples, demos, benchmarks.
        Example = "example",
        /// Documentation.
        Docs = "docs",
        /// Configuration and data.
        Config = "config",
    }
}

const TEST_FOLDERS: &[&str] = &[
    "test",
    "tests",
    "__tests__",
    "spec",
    "specs",
    "testing",
    "testdata",
    "test_data",
    "test-data",
    "fixtures",
    "fixture",
    "__fixtures__",
    "__mocks__",
    "mocks",
    "e2e",
    "cypress",
    "testsuite",
    "unittests",
    "integration_tests",
    "conformance",
    "fuzz",
    "snapshots",
    "__snapshots__",
];
const EXAMPLE_FOLDERS: &[&str] = &[
    "example",
    "examples",
    "sample",
    "samples",
    "demo",
    "demos",
    "bench",
    "benches",
    "benchmark",
    "benchmarks",
    "tutorial",
    "tutorials",
    "playground",
    "docs_src",
    "snippets",
];
const DOCS_FOLDERS: &[&str] = &["doc", "docs", "documentation", "man", "_includes"];
const BUILD_NAMES: &[&str] = &[
    "build.rs",
    "setup.py",
    "conanfile.py",
    "noxfile.py",
    "tasks.py",
    "fabfile.py",
    "manage.py",
    "gulpfile.js",
    "gruntfile.js",
    "rakefile",
    "jenkinsfile",
    "configure",
];
/// What the file at `path` is for.
pub fn role_of(path: &RepoPath, language: Language) -> Role {
    let name = path.name().to_ascii_lowercase();
    let folders: Vec<String> = path.folders().map(str::to_ascii_lowercase).collect();
    let below = |names: &[&str]| folders.iter().any(|folder| names.contains(&folder.as_str()));
    if below(TEST_FOLDERS) || folders.iter().any(|folder| is_test_folder(folder)) || is_test_name(&name, language) {
        return Role::Test;
    }
    if below(EXAMPLE_FOLDERS) {
        return Role::Example;
    }
    let prose = matches!(
        path.extension().as_str(),
        "" | "md" | "markdown" | "mdx" | "txt" | "rst" | "adoc" | "org" | "tex"
    );
    if language.kind() == Kind::Prose && prose || below(DOCS_FOLDERS) {
        return Role::Docs;
    }
    if matches!(language.kind(), Kind::Data | Kind::Prose) {
        return Role::Config;
    }
    let tooling = below(&[
        ".github",
        "ci",
        ".ci",
        ".circleci",
        "scripts",
        "script",
        "tools",
        "hack",
    ]);
    if tooling || BUILD_NAMES.contains(&name.as_str()) || name.ends_with(".config.js") || name.ends_with(".config.ts") {
        return Role::Build;
    }
    Role::Source
}

/// `tests-unit`, `MyApp.Tests`, `app_test`, but not `contest`.
fn is_test_folder(folder: &str) -> bool {
    let mut parts = folder.split(['.', '-', '_']);
    parts.any(|part| matches!(part, "test" | "tests" | "testkit" | "androidtest" | "uitests"))
}

fn is_test_name(name: &str, language: Language) -> bool {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let by_word = stem.split(['.', '_', '-']).any(|part| {
        matches!(
            part,
            "test" | "tests" | "spec" | "specs" | "conftest" | "testutil" | "testutils"
        )
    });
    let suffix = matches!(
        language,
        Language::Java | Language::Kotlin | Language::CSharp | Language::Scala | Language::Swift | Language::Php
    ) && (stem.ends_with("test") || stem.ends_with("tests") || stem.ends_with("spec"));
    (language.is_code() || language.kind() == Kind::Data) && (by_word || suffix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles() {
        for (path, expected) in [
            ("src/main.rs", Role::Source),
            ("src/latest.rs", Role::Source),
            ("src/contest/a.py", Role::Source),
            ("tests/it/main.rs", Role::Test),
            ("src/parser/tests.rs", Role::Test),
            ("pkg/a_test.go", Role::Test),
            ("src/test_a.py", Role::Test),
            ("a.spec.ts", Role::Test),
            ("src/FooTest.java", Role::Test),
            ("My.Tests/Foo.cs", Role::Test),
            ("spec/a_spec.rb", Role::Test),
            ("benches/b.rs", Role::Example),
            ("docs/conf.py", Role::Docs),
            ("README.md", Role::Docs),
            ("Cargo.toml", Role::Config),
            ("certs/server.pem", Role::Config),
            ("build.rs", Role::Build),
            ("scripts/deploy.sh", Role::Build),
        ] {
            let path = RepoPath::from(path);
            assert_eq!(role_of(&path, Language::detect(&path, "")), expected, "{path}");
        }
    }
}

//! What a file is for: production code, a test, an example; and what is not worth reading at all.

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
    "test", "tests", "__tests__", "spec", "specs", "testing", "testdata", "test_data", "test-data", "fixtures", "fixture",
    "__fixtures__", "__mocks__", "mocks", "e2e", "cypress", "testsuite", "unittests", "integration_tests", "conformance",
    "fuzz", "snapshots", "__snapshots__",
];
const EXAMPLE_FOLDERS: &[&str] = &[
    "example", "examples", "sample", "samples", "demo", "demos", "bench", "benches", "benchmark", "benchmarks", "tutorial",
    "tutorials", "playground", "docs_src", "snippets",
];
const DOCS_FOLDERS: &[&str] = &["doc", "docs", "documentation", "man", "_includes"];
const BUILD_NAMES: &[&str] = &[
    "build.rs", "setup.py", "conanfile.py", "noxfile.py", "tasks.py", "fabfile.py", "manage.py", "gulpfile.js",
    "gruntfile.js", "rakefile", "jenkinsfile", "configure",
];
const VENDOR_FOLDERS: &[&str] = &[
    "node_modules", "vendor", "vendored", "_vendor", "third_party", "third-party", "thirdparty", "bower_components",
    ".yarn", "site-packages", ".venv", "external", "extern", "deps",
];
const LOCK_FILES: &[&str] = &[
    "cargo.lock", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lockb", "bun.lock",
    "poetry.lock", "pipfile.lock", "uv.lock", "pdm.lock", "composer.lock", "gemfile.lock", "go.sum", "go.work.sum",
    "mix.lock", "pubspec.lock", "packages.lock.json", "flake.lock", "podfile.lock", "gradle.lockfile", "deno.lock",
];
const BINARY_EXTENSIONS: &[&str] = &[
    "png", "jpg", "jpeg", "gif", "webp", "ico", "bmp", "tiff", "avif", "pdf", "zip", "gz", "tgz", "bz2", "xz", "zst", "7z",
    "rar", "tar", "jar", "war", "class", "o", "a", "so", "dylib", "dll", "exe", "wasm", "pyc", "woff", "woff2", "ttf",
    "otf", "eot", "mp3", "mp4", "wav", "ogg", "webm", "mov", "db", "sqlite", "sqlite3", "bin", "dat", "parquet", "npy",
    "npz", "pkl", "onnx", "pt", "safetensors", "gguf", "psd", "xcf", "icns", "keystore", "jks", "p12", "pfx", "der", "mo",
];
const GENERATED_ENDINGS: &[&str] = &[
    ".min.js", ".min.mjs", ".min.css", ".bundle.js", ".pb.go", ".pb.cc", ".pb.h", "_pb2.py", "_pb2.pyi", "_pb2_grpc.py",
    "_pb.js", "_pb.d.ts", ".g.dart", ".freezed.dart", ".designer.cs", ".g.cs", ".snap", ".map", ".svg", "_generated.go",
    "_generated.rs", ".generated.ts", ".generated.js", ".generated.cs", ".tsbuildinfo", ".po", ".pot",
];

/// Why a file is not worth reading, from its path alone; None when it is.
///
/// These are left out silently apart from a count a reason: nobody wants a lock file reviewed.
pub fn skip_reason(path: &RepoPath) -> Option<&'static str> {
    let name = path.name().to_ascii_lowercase();
    if LOCK_FILES.contains(&name.as_str()) {
        return Some("lock file");
    }
    if path.folders().any(|folder| VENDOR_FOLDERS.contains(&folder.to_ascii_lowercase().as_str())) {
        return Some("vendored code");
    }
    if GENERATED_ENDINGS.iter().any(|ending| name.ends_with(ending)) {
        return Some("generated or minified");
    }
    BINARY_EXTENSIONS.contains(&path.extension().as_str()).then_some("binary by its extension")
}

/// Why a file is generated or minified, from its text; None when a person wrote it.
pub fn generated_marker(language: Language, text: &str) -> Option<&'static str> {
    let mut head = text.len().min(1_500);
    while !text.is_char_boundary(head) {
        head -= 1;
    }
    let says_so = text[..head].lines().take(20).any(|line| {
        let line = line.trim_start();
        let comment = ["//", "#", "/*", "*", "--", ";", "<!--", "%", "\"\"\"", "'"].iter().any(|mark| line.starts_with(mark));
        comment && marks_generated(&line.to_ascii_lowercase())
    });
    if says_so {
        return Some("generated (says so itself)");
    }
    let dense = matches!(language, Language::JavaScript | Language::TypeScript | Language::Css | Language::Html);
    if dense && text.len() > 2_000 {
        let lines = text.lines().count().max(1);
        if text.len() / lines > 300 || text.lines().any(|line| line.len() > 5_000) {
            return Some("minified");
        }
    }
    None
}

fn marks_generated(line: &str) -> bool {
    // `@generated` stands alone; `@generatedAt` and prose about generating do not count.
    line.contains("@generated") && !line.contains("@generateda")
        || line.contains("code generated by")
        || (line.contains("do not edit") && !line.contains("do not edit this file by hand without"))
        || line.contains("autogenerated by")
        || line.contains("auto-generated by")
        || line.contains("automatically generated")
        || line.contains("this file is generated")
        || line.contains("this file was generated")
        || line.contains("file is autogenerated")
        || line.contains("file is auto-generated")
}

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
    let prose = matches!(path.extension().as_str(), "" | "md" | "markdown" | "mdx" | "txt" | "rst" | "adoc" | "org" | "tex");
    if language.kind() == Kind::Prose && prose || below(DOCS_FOLDERS) {
        return Role::Docs;
    }
    if matches!(language.kind(), Kind::Data | Kind::Prose) {
        return Role::Config;
    }
    let tooling = below(&[".github", "ci", ".ci", ".circleci", "scripts", "script", "tools", "hack"]);
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
    let by_word = stem
        .split(['.', '_', '-'])
        .any(|part| matches!(part, "test" | "tests" | "spec" | "specs" | "conftest" | "testutil" | "testutils"));
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

    #[test]
    fn what_nobody_wants_reviewed_is_skipped() {
        for (path, skipped) in [
            ("Cargo.lock", true),
            ("web/node_modules/x/index.js", true),
            ("vendor/a.go", true),
            ("dist/app.min.js", true),
            ("logo.PNG", true),
            ("api/x.pb.go", true),
            ("src/vendoring.rs", false),
            ("src/lock.rs", false),
        ] {
            assert_eq!(skip_reason(&RepoPath::from(path)).is_some(), skipped, "{path}");
        }
    }

    #[test]
    fn generated_files_say_so_in_a_comment_at_the_top() {
        let go = "// Code generated by protoc-gen-go. DO NOT EDIT.\npackage x\n";
        assert!(generated_marker(Language::Go, go).is_some());
        assert!(generated_marker(Language::Rust, "// @generated\n").is_some());
        assert!(generated_marker(Language::Rust, "let s = \"do not edit\";\n").is_none());
        assert!(generated_marker(Language::Python, "import x\n").is_none());
        let minified = "var a=1;".repeat(400);
        assert!(generated_marker(Language::JavaScript, &minified).is_some());
        assert!(generated_marker(Language::Rust, &minified).is_none());
        assert!(generated_marker(Language::JavaScript, &"ü".repeat(1_000)).is_none());
    }
}

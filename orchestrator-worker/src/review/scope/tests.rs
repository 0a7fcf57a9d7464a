use super::*;
use crate::review::runner::{Invocation, Output, ProcessRunner};
use std::fs;
use std::process::Command;

/// A git command that no configuration of this machine can change.
fn git(dir: &Path, args: &[&str]) {
    let status = Command::new("git")
        .args([
            "-c",
            "user.name=T",
            "-c",
            "user.email=t@example.org",
            "-c",
            "protocol.file.allow=always",
            "-c",
            "init.defaultBranch=main",
        ])
        .args(args)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(
        status.status.success(),
        "git {args:?}: {}",
        String::from_utf8_lossy(&status.stderr)
    );
}

fn write(dir: &Path, path: &str, text: &str) {
    let full = dir.join(path);
    fs::create_dir_all(full.parent().unwrap()).unwrap();
    fs::write(full, text).unwrap();
}

fn paths(scope: &Scope) -> Vec<&str> {
    scope.files.iter().map(|file| file.path.as_str()).collect()
}

async fn run(dir: &Path, options: &Options) -> Result<Scope, ScopeError> {
    scope("repo", dir, options, &ProcessRunner).await
}

#[tokio::test]
async fn a_git_repository_lists_what_is_tracked_or_new() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    git(dir, &["init", "-q"]);
    write(dir, ".gitignore", "out/\n");
    write(dir, "src/a b.rs", "fn a() {}\n");
    write(dir, "src/ünï\ncode.py", "x = 1\n");
    write(dir, "gone.py", "x = 1\n");
    write(dir, "Cargo.lock", "x\n");
    write(dir, "out/x.rs", "fn a() {}\n");
    git(dir, &["add", "."]);
    git(dir, &["commit", "-qm", "one"]);
    fs::remove_file(dir.join("gone.py")).unwrap();
    write(dir, "new.js", "x\n");
    let scope = run(dir, &Options::default()).await.unwrap();
    assert_eq!(
        paths(&scope),
        [".gitignore", "new.js", "src/a b.rs", "src/ünï\\ncode.py"]
    );
    assert_eq!(scope.skipped.get("lock file"), Some(&1));
    assert_eq!(scope.git.as_ref().unwrap().head.as_ref().unwrap().len(), 40);
    assert_eq!(scope, run(dir, &Options::default()).await.unwrap());
    let json = serde_json::to_string(&scope).unwrap();
    assert_eq!(serde_json::from_str::<Scope>(&json).unwrap(), scope);
    assert!(!json.contains(dir.to_str().unwrap()), "no path of this machine");
}

#[tokio::test]
async fn only_changes_since_a_base() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    git(dir, &["init", "-q"]);
    write(dir, "a.py", "x = 1\n");
    write(dir, "sub/b.py", "x = 1\n");
    git(dir, &["add", "."]);
    git(dir, &["commit", "-qm", "one"]);
    git(dir, &["branch", "base"]);
    write(dir, "sub/b.py", "x = 2\n");
    git(dir, &["commit", "-qam", "two"]);
    write(dir, "sub/c.py", "x = 3\n");
    let changes = |base: &str| Options {
        base: Some(base.to_owned()),
        ..Options::default()
    };
    let scope = run(dir, &changes("base")).await.unwrap();
    assert_eq!(paths(&scope), ["sub/b.py", "sub/c.py"]);
    assert_eq!(scope.inventory.files, 3);
    let inner = run(&dir.join("sub"), &changes("base")).await.unwrap();
    assert_eq!(
        (paths(&inner), inner.git.as_ref().unwrap().subfolder.as_str()),
        (vec!["b.py", "c.py"], "sub")
    );
    assert!(matches!(run(dir, &changes("nope")).await, Err(ScopeError::Base { .. })));
    assert!(matches!(
        run(dir, &changes("--output=x")).await,
        Err(ScopeError::Options(_))
    ));
}

#[tokio::test]
async fn an_empty_repository_and_a_missing_folder() {
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["init", "-q"]);
    let scope = run(dir.path(), &Options::default()).await.unwrap();
    assert!(scope.files.is_empty() && scope.git.unwrap().head.is_none());
    let nope = dir.path().join("nope");
    let missing = run(&nope, &Options::default()).await.unwrap_err().to_string();
    assert!(missing.contains(nope.to_str().unwrap()), "{missing}");
    write(dir.path(), "file", "x");
    assert!(matches!(
        run(&dir.path().join("file"), &Options::default()).await,
        Err(ScopeError::NotAFolder(_))
    ));
}

#[tokio::test]
async fn submodules_and_links_are_not_entered() {
    let dir = tempfile::tempdir().unwrap();
    let (outer, inner) = (dir.path().join("outer"), dir.path().join("inner"));
    fs::create_dir_all(&outer).unwrap();
    write(&inner, "secret.py", "x = 1\n");
    git(&inner, &["init", "-q"]);
    git(&inner, &["add", "."]);
    git(&inner, &["commit", "-qm", "one"]);
    git(&outer, &["init", "-q"]);
    git(&outer, &["submodule", "--quiet", "add", inner.to_str().unwrap(), "sub"]);
    #[cfg(unix)]
    std::os::unix::fs::symlink("../inner/secret.py", outer.join("link.py")).unwrap();
    let scope = run(&outer, &Options::default()).await.unwrap();
    assert_eq!(paths(&scope), [".gitmodules"]);
    assert_eq!(scope.skipped.get("submodule: another repository"), Some(&1));
    #[cfg(unix)]
    assert_eq!(scope.skipped.get("symbolic link"), Some(&1));
}

#[tokio::test]
async fn a_plain_folder_is_walked_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write(dir, ".gitignore", "ignored.py\n");
    write(dir, "ignored.py", "x\n");
    write(dir, "a.py", "x = 1\n");
    write(dir, "tool", "#!/usr/bin/env python3\nx = 1\n");
    write(dir, "node_modules/x/index.js", "x\n");
    write(dir, "target/CACHEDIR.TAG", "x\n");
    write(dir, "target/x.rs", "x\n");
    write(dir, "big.rs", &"x\n".repeat(600_000));
    let scope = run(dir, &Options::default()).await.unwrap();
    assert_eq!(paths(&scope), [".gitignore", "a.py", "tool"]);
    assert_eq!(scope.files[2].language, Language::Python);
    assert_eq!(scope.unchecked, [Unchecked::new("big.rs", "larger than 1048576 bytes")]);
    assert!(scope.git.is_none() && scope.notes[0].contains("not a git repository"));
    let base = Options {
        base: Some("main".to_owned()),
        ..Options::default()
    };
    assert!(matches!(run(dir, &base).await, Err(ScopeError::Base { .. })));
}

#[tokio::test]
async fn the_limit_keeps_production_code() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["README.md", "a.yml", "src/a.rs", "src/b.rs", "tests/a.rs"] {
        write(dir.path(), name, "x\n");
    }
    let options = Options {
        max_files: 2,
        ..Options::default()
    };
    let scope = run(dir.path(), &options).await.unwrap();
    assert_eq!(paths(&scope), ["src/a.rs", "src/b.rs"]);
    assert_eq!(scope.unchecked.len(), 3);
    let options = Options {
        include: vec!["src".to_owned()],
        exclude: vec!["b.rs".to_owned()],
        ..Options::default()
    };
    assert_eq!(paths(&run(dir.path(), &options).await.unwrap()), ["src/a.rs"]);
}

#[tokio::test]
async fn without_git_the_folder_is_walked() {
    struct NoGit;
    #[async_trait::async_trait]
    impl Runner for NoGit {
        async fn run(&self, invocation: Invocation) -> Result<Output, RunError> {
            Err(RunError::NotFound(invocation.program))
        }
    }
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "a.py", "x = 1\n");
    let scope = scope("repo", dir.path(), &Options::default(), &NoGit).await.unwrap();
    assert!(scope.notes[0].starts_with("git is not installed"));
    assert_eq!(paths(&scope), ["a.py"]);
}

#[test]
fn batches_keep_the_order_and_the_limits() {
    let file = |path: &str, bytes| SourceFile {
        path: RepoPath::from(path),
        bytes,
        ..SourceFile::default()
    };
    let scope = Scope {
        files: vec![file("a", 5), file("b", 5), file("c", 50), file("d", 1)],
        ..Scope::default()
    };
    let names: Vec<Vec<String>> = scope
        .batches(2, 10)
        .iter()
        .map(|batch| batch.iter().map(|f| f.path.to_string()).collect())
        .collect();
    assert_eq!(names, [vec!["a", "b"], vec!["c"], vec!["d"]]);
}

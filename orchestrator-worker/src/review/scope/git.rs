//! Asks git which files there are. Nothing that the repository configures is executed.

use std::collections::BTreeSet;
use std::path::Path;

use super::{GitFacts, Listed, ListedKind, ScopeError};
use crate::review::runner::{Invocation, Output, RunError, Runner};
use crate::review::source::RepoPath;

/// What git says.
pub(super) enum Listing {
    Repository {
        facts: GitFacts,
        files: Vec<Listed>,
        /// The files that changed, when a base was given.
        changed: Option<BTreeSet<RepoPath>>,
    },
    NotARepository {
        why: String,
    },
}

/// A reviewed repository may configure programs that git starts (a file-system monitor, hooks, diff drivers). They are
/// all switched off, and git takes no locks and asks nobody anything.
const SAFE: &[&str] = &[
    "--no-pager",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.quotePath=false",
    "-c",
    "diff.external=",
];

async fn git(dir: &Path, args: &[&str], runner: &dyn Runner) -> Result<Output, RunError> {
    let mut invocation = Invocation::new("git", SAFE.iter().chain(args), dir);
    for (key, value) in [
        ("GIT_OPTIONAL_LOCKS", "0"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("LC_ALL", "C"),
    ] {
        invocation.env.push((key.to_owned(), value.to_owned()));
    }
    runner.run(invocation).await
}

/// Like [`git`], for a command that must succeed with all its output.
async fn ask(dir: &Path, args: &[&str], runner: &dyn Runner) -> Result<Vec<u8>, ScopeError> {
    let output = git(dir, args, runner).await?;
    let failed = |reason| ScopeError::Git {
        verb: args[0].to_owned(),
        reason,
    };
    if output.code != Some(0) {
        return Err(failed(output.complaint()));
    }
    if output.truncated {
        return Err(failed("its answer is too long".to_owned()));
    }
    Ok(output.stdout)
}

pub(super) async fn list(dir: &Path, base: Option<&str>, runner: &dyn Runner) -> Result<Listing, ScopeError> {
    let inside = match git(dir, &["rev-parse", "--show-prefix"], runner).await {
        Ok(output) => output,
        Err(RunError::NotFound(_)) => {
            return Ok(no("git is not installed"));
        }
        Err(error) => return Err(error.into()),
    };
    if inside.code != Some(0) {
        let complaint = inside.complaint();
        let why = if complaint.contains("not a git repository") {
            "not a git repository".to_owned()
        } else {
            // Its message names paths of this machine; the cause that people meet is the owner.
            let cause = if complaint.contains("ownership") {
                "the folder belongs to somebody else"
            } else {
                "it reported an error"
            };
            format!("git refuses to work here ({cause})")
        };
        return Ok(Listing::NotARepository { why });
    }
    let subfolder = inside.text().trim_end_matches(['\n', '/']).to_owned();
    // A folder that an outer repository ignores is reviewed for itself.
    if !subfolder.is_empty() && git(dir, &["check-ignore", "-q", "."], runner).await?.code == Some(0) {
        return Ok(no("not a git repository of its own"));
    }
    let staged = ask(dir, &["ls-files", "-z", "--stage"], runner).await?;
    let untracked = ask(dir, &["ls-files", "-z", "--others", "--exclude-standard"], runner).await?;
    let files = parse_listing(&staged, &untracked);
    let head = git(dir, &["rev-parse", "--verify", "--quiet", "HEAD"], runner).await?;
    let head = (head.code == Some(0)).then(|| head.text().trim().to_owned());
    let mut facts = GitFacts {
        head,
        base: None,
        subfolder,
    };
    let changed = match base {
        None => None,
        Some(base) => {
            let (commit, changed) = changes(dir, base, runner).await?;
            facts.base = Some(commit);
            Some(changed.into_iter().chain(nul_separated(&untracked)).collect())
        }
    };
    Ok(Listing::Repository { facts, files, changed })
}

fn no(why: &str) -> Listing {
    Listing::NotARepository { why: why.to_owned() }
}

/// The commit that `base` and HEAD have in common, and the files that differ from it in the working tree.
async fn changes(dir: &Path, base: &str, runner: &dyn Runner) -> Result<(String, BTreeSet<RepoPath>), ScopeError> {
    let unknown = |reason: &str| ScopeError::Base {
        base: base.to_owned(),
        reason: reason.to_owned(),
    };
    let spec = format!("{base}^{{commit}}");
    let found = git(
        dir,
        &["rev-parse", "--verify", "--quiet", "--end-of-options", &spec],
        runner,
    )
    .await?;
    if found.code != Some(0) {
        return Err(unknown("git knows no such commit"));
    }
    let commit = found.text().trim().to_owned();
    let common = git(dir, &["merge-base", &commit, "HEAD"], runner).await?;
    // Without a common ancestor the base itself is all there is to compare with.
    let start = if common.code == Some(0) {
        common.text().trim().to_owned()
    } else {
        commit
    };
    let args = [
        "diff",
        "--name-only",
        "-z",
        "--relative",
        "--no-ext-diff",
        "--no-textconv",
        "--diff-filter=d",
        &start,
        "--",
    ];
    let changed = ask(dir, &args, runner).await?;
    Ok((start, nul_separated(&changed).collect()))
}

fn nul_separated(bytes: &[u8]) -> impl Iterator<Item = RepoPath> + '_ {
    bytes
        .split(|byte| *byte == 0)
        .filter(|path| !path.is_empty())
        .map(RepoPath::from_bytes)
}

/// `<mode> <object> <stage>\t<path>` for tracked files; plain paths for the others.
fn parse_listing(staged: &[u8], untracked: &[u8]) -> Vec<Listed> {
    let mut files: BTreeSet<Listed> = BTreeSet::new();
    for entry in staged.split(|byte| *byte == 0) {
        let Some(tab) = entry.iter().position(|byte| *byte == b'\t') else {
            continue;
        };
        let kind = match &entry[..tab] {
            mode if mode.starts_with(b"160000") => ListedKind::Submodule,
            mode if mode.starts_with(b"120000") => ListedKind::Symlink,
            _ => ListedKind::File,
        };
        files.insert(Listed {
            path: RepoPath::from_bytes(&entry[tab + 1..]),
            kind,
        });
    }
    // An untracked repository inside this one is listed as a folder.
    for path in nul_separated(untracked) {
        let kind = if path.as_str().ends_with('/') {
            ListedKind::Submodule
        } else {
            ListedKind::File
        };
        files.insert(Listed { path, kind });
    }
    files.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listings_are_read_with_any_file_name() {
        let staged =
            b"100644 aaa 0\ta b\nc.rs\x00120000 bbb 0\tlink\x00160000 ccc 0\tsub\x00100644 d 1\tx\x00100644 e 2\tx\x00";
        let names: Vec<_> = parse_listing(staged, b"new\xff.py\0nested/\0")
            .into_iter()
            .map(|listed| (listed.path.to_string(), listed.kind))
            .collect();
        let expected = [
            ("a b\\nc.rs", ListedKind::File),
            ("link", ListedKind::Symlink),
            ("nested/", ListedKind::Submodule),
            ("new\\xFF.py", ListedKind::File),
            ("sub", ListedKind::Submodule),
            ("x", ListedKind::File),
        ];
        assert_eq!(names, expected.map(|(name, kind)| (name.to_owned(), kind)));
    }
}

//! From all files to those that are reviewed.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::inventory::{self, Inventory};
use super::{Listed, ListedKind, Scope, SourceFile};
use crate::review::finding::Unchecked;
use crate::review::options::Options;
use crate::review::source::{Kind, Language, RepoPath, Role, role_of, skip_reason};

/// Fills the scope's files, what was skipped, and the inventory.
pub(super) fn select(
    dir: &Path,
    listed: Vec<Listed>,
    changed: Option<&BTreeSet<RepoPath>>,
    options: &Options,
    scope: &mut Scope,
) {
    let include = Patterns::new(&options.include);
    let exclude = Patterns::new(&options.exclude);
    scope.inventory = Inventory::of(listed.iter().map(|file| &file.path));
    let libraries = inventory::Libraries::of(listed.iter().map(|file| &file.path));
    for file in listed {
        let wanted = include.is_none_or(&file.path) && !exclude.matches(&file.path);
        if !wanted || changed.is_some_and(|changed| !changed.contains(&file.path)) {
            continue;
        }
        match judge(dir, &file, options, &libraries) {
            Verdict::Review(file) => scope.files.push(file),
            Verdict::Skip(reason) => *scope.skipped.entry(reason.to_owned()).or_default() += 1,
            Verdict::Unchecked(reason) => scope.unchecked.push(Unchecked::new(file.path.to_string(), reason)),
            Verdict::Gone => {}
        }
    }
    limit(options.max_files, scope);
    scope.unchecked.sort();
}

enum Verdict {
    Review(SourceFile),
    Skip(&'static str),
    Unchecked(String),
    /// Tracked, but deleted in the working tree.
    Gone,
}

fn judge(dir: &Path, file: &Listed, options: &Options, libraries: &inventory::Libraries) -> Verdict {
    match file.kind {
        ListedKind::Submodule => return Verdict::Skip("submodule: another repository"),
        ListedKind::Symlink => return Verdict::Skip("symbolic link"),
        ListedKind::File => {}
    }
    if let Some(reason) = skip_reason(&file.path) {
        return Verdict::Skip(reason);
    }
    let full = dir.join(file.path.to_path());
    let metadata = match std::fs::symlink_metadata(&full) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Verdict::Gone,
        Err(error) => return Verdict::Unchecked(format!("could not be read: {}", error.kind())),
    };
    if metadata.is_symlink() {
        return Verdict::Skip("symbolic link");
    }
    if !metadata.is_file() {
        return Verdict::Skip("not a regular file");
    }
    let first_line = if file.path.extension().is_empty() {
        first_line(&full)
    } else {
        String::new()
    };
    let language = Language::detect(&file.path, &first_line);
    if metadata.len() > options.max_file_bytes {
        // A large data file is no source; a large program should be noticed.
        return match language.kind() {
            Kind::Code | Kind::Markup => Verdict::Unchecked(format!("larger than {} bytes", options.max_file_bytes)),
            Kind::Data | Kind::Prose => Verdict::Skip("large data file"),
        };
    }
    if metadata.len() == 0 {
        return Verdict::Skip("empty");
    }
    let role = role_of(&file.path, language);
    let library = libraries.holds(&file.path, language);
    Verdict::Review(SourceFile {
        path: file.path.clone(),
        language,
        role,
        library,
        bytes: metadata.len(),
    })
}

fn first_line(path: &Path) -> String {
    let mut start = [0; 256];
    let count = std::fs::File::open(path)
        .and_then(|mut file| file.read(&mut start))
        .unwrap_or(0);
    String::from_utf8_lossy(&start[..count])
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// Keeps at most `most` files: production code first, prose last, and says what was left out.
fn limit(most: usize, scope: &mut Scope) {
    if scope.files.len() <= most {
        return;
    }
    let rank = |file: &SourceFile| match (file.role, file.language.kind()) {
        (Role::Source, Kind::Code) => 0,
        (Role::Build, _) => 1,
        (Role::Source, _) => 2,
        (Role::Test, Kind::Code) => 3,
        (Role::Config, _) => 4,
        _ => 5,
    };
    scope
        .files
        .sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.path.cmp(&b.path)));
    let left_out = scope.files.split_off(most);
    scope.files.sort_by(|a, b| a.path.cmp(&b.path));
    let reason = format!("over the limit of {most} files");
    scope.unchecked.extend(
        left_out
            .into_iter()
            .map(|file| Unchecked::new(file.path.to_string(), reason.clone())),
    );
}

/// Path prefixes and globs.
struct Patterns {
    prefixes: Vec<String>,
    globs: GlobSet,
    none: bool,
}

impl Patterns {
    /// Patterns that `Options::problems` accepted; a broken one matches nothing.
    fn new(patterns: &[String]) -> Self {
        let mut globs = GlobSetBuilder::new();
        for glob in patterns
            .iter()
            .filter_map(|pattern| Glob::new(pattern.trim_start_matches("./")).ok())
        {
            globs.add(glob);
        }
        let prefixes = patterns
            .iter()
            .map(|pattern| pattern.trim_start_matches("./").trim_end_matches('/').to_owned());
        Self {
            prefixes: prefixes.collect(),
            globs: globs.build().unwrap_or_default(),
            none: patterns.is_empty(),
        }
    }

    fn matches(&self, path: &RepoPath) -> bool {
        let text = path.as_str();
        let below = |prefix: &String| {
            prefix == "."
                || text
                    .strip_prefix(prefix.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.prefixes.iter().any(below) || self.globs.is_match(text) || self.globs.is_match(path.name())
    }

    fn is_none_or(&self, path: &RepoPath) -> bool {
        self.none || self.matches(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_prefixes_or_globs() {
        let patterns = Patterns::new(&["src/".to_owned(), "*.py".to_owned(), "./docs/**/x.md".to_owned()]);
        for (path, expected) in [
            ("src/a.rs", true),
            ("src", true),
            ("srcs/a.rs", false),
            ("lib/deep/a.py", true),
            ("docs/a/b/x.md", true),
            ("docs/a.md", false),
        ] {
            assert_eq!(patterns.matches(&RepoPath::from(path)), expected, "{path}");
        }
    }
}

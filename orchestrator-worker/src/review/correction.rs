//! What a person wants corrected in a review, in their own words.
//!
//! What is named is left out: a check (`danger.eval`), several (`secret.*`), a file, a line of it or a folder
//! (`src/a.py`, `src/a.py:12`, `src/generated/`, `src/generated/*`). A line that names a check and a place means the two
//! together. Ordinary words name nothing: they are for a model, where one takes part.

use super::{
    critique::{Critique, Dropped},
    finding::Finding,
};

/// What a line of a correction names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Named<'t> {
    checks: Vec<&'t str>,
    places: Vec<&'t str>,
}

impl<'t> Named<'t> {
    /// What the words of a line name among these findings.
    fn of(line: &'t str, findings: &[Finding]) -> Self {
        let mut named = Self::default();
        let words = line.split(|c: char| c.is_whitespace() || ",;\"'`()[]".contains(c));
        for word in words.map(|word| word.trim_end_matches(['.', ':', '!', '?'])) {
            if word.is_empty() {
                continue;
            }
            if findings.iter().any(|finding| is_check(word, finding)) {
                named.checks.push(word);
            } else if findings.iter().any(|finding| is_place(word, finding)) {
                named.places.push(word);
            }
        }
        named
    }

    fn means(&self, finding: &Finding) -> bool {
        let is_named = !self.checks.is_empty() || !self.places.is_empty();
        let check = self.checks.is_empty() || self.checks.iter().any(|word| is_check(word, finding));
        let place = self.places.is_empty() || self.places.iter().any(|word| is_place(word, finding));
        is_named && check && place
    }
}

fn is_check(word: &str, finding: &Finding) -> bool {
    match word.strip_suffix('*') {
        Some(family) => family.len() > 1 && finding.check.starts_with(family),
        None => finding.check == word,
    }
}

fn is_place(word: &str, finding: &Finding) -> bool {
    if finding.is_repo_level() {
        return false;
    }
    let file = finding.file.to_string();
    let folder = word.trim_end_matches('*');
    file == word || finding.place() == word || (folder.len() > 1 && folder.ends_with('/') && file.starts_with(folder))
}

/// Leaves out what a correction names, and says how many findings that were.
pub fn apply(critique: &mut Critique, feedback: &str) -> usize {
    let named: Vec<Named<'_>> = feedback.lines().map(|line| Named::of(line, &critique.kept)).collect();
    let kept = std::mem::take(&mut critique.kept);
    let before = critique.dropped.len();
    for finding in kept {
        if named.iter().any(|named| named.means(&finding)) {
            let reason = "a person left it out".to_owned();
            critique.dropped.push(Dropped { finding, reason });
        } else {
            critique.kept.push(finding);
        }
    }
    critique.dropped.len() - before
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::{finding::Dimension, finding::Severity, source::RepoPath};

    fn left(feedback: &str) -> Vec<String> {
        let found = |check: &str, file: &str, line: u32| {
            Finding::builtin(check, Severity::High, Dimension::Security, &RepoPath::from(file)).at(line)
        };
        let mut critique = Critique {
            kept: vec![
                found("danger.eval", "src/a.py", 3),
                found("danger.eval", "src/gen/b.py", 5),
                found("secret.token", "src/a.py", 9),
                found("secret.key", "conf.ini", 1),
            ],
            ..Critique::default()
        };
        let count = apply(&mut critique, feedback);
        assert_eq!(count, critique.dropped.len());
        let name = |finding: &Finding| format!("{} {}", finding.check, finding.place());
        critique.kept.iter().map(name).collect()
    }

    #[test]
    fn what_is_named_is_left_out() {
        let all = [
            "danger.eval src/a.py:3",
            "danger.eval src/gen/b.py:5",
            "secret.token src/a.py:9",
            "secret.key conf.ini:1",
        ];
        for (feedback, expected) in [
            ("", &all[..]),
            ("shorter, please; the secret is a toy", &all),
            ("secret", &all),
            ("*", &all),
            ("/", &all),
            ("src/a", &all),
            ("`danger.eval` is meant to be there.", &all[2..]),
            ("leave secret.* out", &all[..2]),
            ("src/a.py: nobody calls it", &[all[1], all[3]]),
            ("src/a.py:9 is a toy", &[all[0], all[1], all[3]]),
            ("src/gen/ is generated", &[all[0], all[2], all[3]]),
            ("src/gen/** is generated", &[all[0], all[2], all[3]]),
            ("src/gen/* is generated", &[all[0], all[2], all[3]]),
            ("src/gen*", &all),
            ("danger.eval in src/a.py", &all[1..]),
            ("danger.eval\nconf.ini", &[all[2]]),
        ] {
            assert_eq!(left(feedback), expected, "{feedback}");
        }
    }
}

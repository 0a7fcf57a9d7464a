//! Changes to files: unified diffs, as `git diff` prints them.

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// It stayed.
    Same,
    /// It came.
    Added,
    /// It went.
    Removed,
    /// A heading of a part: `@@ -1,3 +1,4 @@`.
    Part,
}

/// A line of a diff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What became of it.
    pub change: Change,
    /// Its number before, if it was there.
    pub before: Option<u32>,
    /// Its number after, if it is there.
    pub after: Option<u32>,
    /// Its text.
    pub text: String,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileDiff {
    /// Its path, the new one if it was moved.
    pub path: String,
    /// The path that it had before, if that was another.
    pub was: Option<String>,
    /// Its lines.
    pub lines: Vec<Line>,
    /// How many lines came.
    pub added: usize,
    /// How many went.
    pub removed: usize,
    /// What git says instead of lines: a binary file, a change of mode.
    pub note: Option<String>,
}

/// Whether a text looks like a unified diff.
pub fn is_diff(text: &str) -> bool {
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let mut next_is_plus = || lines.peek().is_some_and(|next| next.starts_with("+++ "));
        if line.starts_with("diff --git ") || (line.starts_with("--- ") && next_is_plus()) {
            return true;
        }
    }
    false
}

/// Reads a diff. What is not understood is left out.
pub fn parse(text: &str) -> Vec<FileDiff> {
    let mut files: Vec<FileDiff> = Vec::new();
    let (mut before, mut after) = (0, 0);
    // How many lines the part still has, on each side: within it `--- ` is a line that went.
    let (mut left, mut right) = (0_u32, 0_u32);
    for line in text.lines() {
        if left > 0 || right > 0 {
            if let Some(file) = files.last_mut() {
                body(file, line, (&mut before, &mut after), (&mut left, &mut right));
            }
            continue;
        }
        if let Some(names) = line.strip_prefix("diff --git ") {
            let path = names.rsplit_once(" b/").map_or(names, |(_, path)| path);
            files.push(FileDiff {
                path: path.to_owned(),
                ..FileDiff::default()
            });
        } else if let Some(name) = line.strip_prefix("--- ") {
            old_name(&mut files, name);
        } else if let Some(name) = line.strip_prefix("+++ ") {
            if let (Some(file), Some(path)) = (files.last_mut(), path(name)) {
                path.clone_into(&mut file.path);
            }
        } else if let Some((starts, lengths)) = line.strip_prefix("@@ ").and_then(part) {
            let Some(file) = files.last_mut() else { continue };
            (before, after) = starts;
            (left, right) = lengths;
            file.lines.push(Line {
                change: Change::Part,
                before: None,
                after: None,
                text: line.to_owned(),
            });
        } else if let Some(file) = files.last_mut() {
            if let Some(was) = line.strip_prefix("rename from ") {
                file.was = Some(was.to_owned());
            } else if ["Binary files ", "new file", "deleted file", "old mode", "new mode"]
                .iter()
                .any(|start| line.starts_with(start))
            {
                file.note = Some(line.to_owned());
            }
        }
    }
    files
}

fn old_name(files: &mut Vec<FileDiff>, name: &str) {
    // Without git's own line, this is where a file begins.
    if files.last().is_none_or(|file| !file.lines.is_empty()) {
        files.push(FileDiff::default());
    }
    if let (Some(file), Some(path)) = (files.last_mut(), path(name))
        && file.path.is_empty()
    {
        path.clone_into(&mut file.path);
    }
}

fn body(file: &mut FileDiff, line: &str, (before, after): (&mut u32, &mut u32), (left, right): (&mut u32, &mut u32)) {
    let change = match line.as_bytes().first() {
        Some(b'+') => Change::Added,
        Some(b'-') => Change::Removed,
        // "No newline at end of file".
        Some(b'\\') => return,
        _ => Change::Same,
    };
    let side = |is_there: bool, number: &mut u32, rest: &mut u32| {
        if !is_there {
            return None;
        }
        *rest = rest.saturating_sub(1);
        *number += 1;
        Some(*number - 1)
    };
    let old = side(change != Change::Added, before, left);
    let new = side(change != Change::Removed, after, right);
    file.added += usize::from(change == Change::Added);
    file.removed += usize::from(change == Change::Removed);
    file.lines.push(Line {
        change,
        before: old,
        after: new,
        text: line.get(1..).unwrap_or_default().replace('\t', "    "),
    });
}

/// A path as the lines `---` and `+++` give it; none for a file that is not there.
fn path(name: &str) -> Option<&str> {
    let name = name.split('\t').next().unwrap_or(name).trim();
    (name != "/dev/null").then(|| name.strip_prefix("a/").or(name.strip_prefix("b/")).unwrap_or(name))
}

/// Where a part begins and how long it is, before and after: `-1,3 +1,4 @@ ..`.
fn part(text: &str) -> Option<((u32, u32), (u32, u32))> {
    let mut words = text.split(' ');
    let mut side = |sign: char| {
        let word = words.next()?.strip_prefix(sign)?;
        let (start, length) = word.split_once(',').unwrap_or((word, "1"));
        Some((start.parse().ok()?, length.parse().ok()?))
    };
    let (old, new): ((u32, u32), (u32, u32)) = (side('-')?, side('+')?);
    Some(((old.0, new.0), (old.1, new.1)))
}

/// The diffs that a task's output carries: itself, or texts in its fields, however deep.
pub fn in_output(output: &serde_json::Value) -> Vec<FileDiff> {
    match output {
        serde_json::Value::String(text) if is_diff(text) => parse(text),
        serde_json::Value::Array(items) => items.iter().flat_map(in_output).collect(),
        serde_json::Value::Object(fields) => fields.values().flat_map(in_output).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF: &str = "diff --git a/src/a.rs b/src/a.rs\nindex 1..2 100644\n--- a/src/a.rs\n+++ b/src/a.rs\n\
        @@ -1,3 +1,3 @@ fn a()\n one\n--- two\n+++ zwei\n three\n@@ -9 +9,2 @@\n nine\n+ten\n\\ No newline at end of file\n\
        diff --git a/x.png b/y.png\nrename from x.png\nrename to y.png\nBinary files a/x.png and b/y.png differ\n";

    #[test]
    fn files_lines_and_numbers() {
        let files = parse(DIFF);
        assert_eq!(files.len(), 2);
        assert_eq!(
            (files[0].path.as_str(), files[0].added, files[0].removed),
            ("src/a.rs", 2, 1)
        );
        let told: Vec<_> = files[0]
            .lines
            .iter()
            .map(|line| (line.change, line.before, line.after, &*line.text))
            .collect();
        assert_eq!(told[1], (Change::Same, Some(1), Some(1), "one"));
        assert_eq!(told[2], (Change::Removed, Some(2), None, "-- two"));
        assert_eq!(told[3], (Change::Added, None, Some(2), "++ zwei"));
        assert_eq!(told[4], (Change::Same, Some(3), Some(3), "three"));
        assert_eq!(told[7], (Change::Added, None, Some(10), "ten"));
        assert_eq!(
            (files[1].was.as_deref(), files[1].path.as_str()),
            (Some("x.png"), "y.png")
        );
        assert!(files[1].note.as_deref().is_some_and(|note| note.starts_with("Binary")));
    }

    #[test]
    fn diffs_are_found_wherever_they_are() {
        let plain = "--- a.txt\t2026\n+++ b.txt\t2026\n@@ -1 +1 @@\n-a\n+b\n";
        assert_eq!(parse(plain)[0].path, "b.txt");
        let output = serde_json::json!({"summary": "--- nothing", "result": [{"patch": plain}, {"diff": DIFF}]});
        assert_eq!(in_output(&output).len(), 3);
        assert!(in_output(&serde_json::json!("- a list\n- of things")).is_empty());
    }

    #[test]
    fn what_is_no_diff_does_no_harm() {
        for text in [
            "",
            "@@ -1 +1 @@\n+x",
            "--- a\n+++ b\n@@ -x +1 @@",
            "diff --git",
            "--- a\n+++ b\n@@ -1,9 +1,9 @@\n",
        ] {
            let _ = parse(text);
        }
    }
}

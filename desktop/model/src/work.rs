//! Work under review as it is read: texts, code, changes and facts, from whatever JSON an agent hands over.

use serde_json::Value;

use crate::{
    markdown::{self, is_item, is_markdown},
    pretty::Pretty,
};

/// A text without a break is broken after so many characters, so that no line is too much to lay out.
const BREAK: usize = 2_000;

/// How a run of lines is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Style {
    /// Prose.
    Prose,
    /// A page in Markdown: see [`markdown::read`].
    Markdown,
    /// Code, output, JSON.
    Code,
    /// Lines that a change adds.
    Added,
    /// Lines that a change takes away.
    Removed,
    /// Where in a file a change is.
    Place,
}

/// Lines of one style, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// How they are read.
    pub style: Style,
    /// The lines.
    pub text: String,
}

/// A part of the work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its name; empty for the whole.
    pub name: String,
    /// What it says.
    pub runs: Vec<Run>,
}

/// Work, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Work {
    /// Small values by name.
    pub facts: Vec<(String, String)>,
    /// The rest.
    pub sections: Vec<Section>,
    /// How many lines were left out.
    pub left_out: usize,
}

impl Work {
    /// Lays out a value, with so many lines at most.
    pub fn of(value: &Value, most: usize) -> Self {
        let mut work = Self::default();
        let mut room = most;
        match value {
            Value::Null => {}
            Value::Object(fields) => {
                for (name, value) in fields {
                    work.field(&name.replace('_', " "), value, &mut room);
                }
            }
            value => work.section("", value, &mut room),
        }
        work
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty() && self.sections.is_empty()
    }

    fn field(&mut self, name: &str, value: &Value, room: &mut usize) {
        let fact = match value {
            Value::Null => return,
            Value::String(text) if text.len() > 80 || text.trim().contains('\n') => None,
            Value::String(text) => Some(text.clone()),
            Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
            Value::Array(items) if items.is_empty() => None,
            Value::Array(items)
                if items
                    .iter()
                    .all(|item| item.as_str().is_some_and(|text| text.len() <= 40)) =>
            {
                let words: Vec<_> = items.iter().filter_map(Value::as_str).collect();
                Some(words.join(", "))
            }
            _ => None,
        };
        match fact {
            Some(fact) => self.facts.push((name.to_owned(), fact)),
            None => self.section(name, value, room),
        }
    }

    fn section(&mut self, name: &str, value: &Value, room: &mut usize) {
        let (runs, left_out) = match value {
            Value::String(text) => read(text, room),
            value => {
                let all = Pretty::new(&value.to_string());
                code(all.whole().trim_end(), room)
            }
        };
        self.left_out += left_out;
        if !runs.is_empty() {
            self.sections.push(Section {
                name: name.to_owned(),
                runs,
            });
        }
    }
}

fn read(text: &str, room: &mut usize) -> (Vec<Run>, usize) {
    let text = text.trim_end();
    if is_change(text) {
        return lines(text, room, change_style);
    }
    if is_code(text) {
        return code(text, room);
    }
    if is_markdown(text)
        && let Some(page) = page(text, room)
    {
        return page;
    }
    lines(text, room, |_| Style::Prose)
}

/// The first lines of a page; none where they are too much to be laid out.
fn page(text: &str, room: &mut usize) -> Option<(Vec<Run>, usize)> {
    let all = text.lines().count();
    let shown = all.min(*room);
    let end: usize = text.split_inclusive('\n').take(shown).map(str::len).sum();
    if end > markdown::MOST {
        return None;
    }
    *room -= shown;
    let run = Run {
        style: Style::Markdown,
        text: text[..end].to_owned(),
    };
    let runs = if run.text.is_empty() { Vec::new() } else { vec![run] };
    Some((runs, all - shown))
}

/// The lines of a change, by what it does with them.
pub fn change(text: &str) -> Vec<Run> {
    lines(text, &mut usize::MAX.clone(), change_style).0
}

fn code(text: &str, room: &mut usize) -> (Vec<Run>, usize) {
    lines(text, room, |_| Style::Code)
}

/// Joins lines of one style.
fn lines(text: &str, room: &mut usize, style: impl Fn(&str) -> Style) -> (Vec<Run>, usize) {
    let mut runs: Vec<Run> = Vec::new();
    let mut left_out = 0;
    for line in text.lines() {
        let style = style(line);
        for piece in pieces(line) {
            if *room == 0 {
                left_out += 1;
                continue;
            }
            *room -= 1;
            match runs.last_mut() {
                Some(run) if run.style == style => {
                    run.text.push('\n');
                    run.text.push_str(piece);
                }
                _ => runs.push(Run {
                    style,
                    text: piece.to_owned(),
                }),
            }
        }
    }
    runs.retain(|run| !run.text.trim().is_empty());
    (runs, left_out)
}

fn pieces(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let now = rest?;
        // Most lines are short: bytes are never fewer than characters.
        let cut = (now.len() > BREAK).then(|| now.char_indices().nth(BREAK)).flatten();
        let (piece, left) = match cut {
            Some((at, _)) => (&now[..at], Some(&now[at..])),
            None => (now, None),
        };
        rest = left;
        Some(piece)
    })
}

fn is_change(text: &str) -> bool {
    let mut head = text.lines().take(50);
    head.any(|line| line.starts_with("diff --git ") || (line.starts_with("@@ ") && line[3..].contains(" @@")))
}

fn change_style(line: &str) -> Style {
    let is_place = ["diff ", "index ", "--- ", "+++ ", "@@ "]
        .iter()
        .any(|start| line.starts_with(start));
    match line.as_bytes().first() {
        _ if is_place => Style::Place,
        Some(b'+') => Style::Added,
        Some(b'-') => Style::Removed,
        _ => Style::Code,
    }
}

/// Whether a text without marks is code: much of it is indented or ends as statements do.
fn is_code(text: &str) -> bool {
    if text.contains("```") {
        return false;
    }
    let (mut all, mut coded) = (0_u32, 0_u32);
    for line in text.lines().filter(|line| !line.trim().is_empty()).take(200) {
        all += 1;
        let end = line.trim_end();
        let indented = (line.starts_with("    ") || line.starts_with('\t')) && !is_item(line.trim_start());
        let closed = [";", "{", "}", "):", "=>", ")?"].iter().any(|mark| end.ends_with(mark));
        coded += u32::from(indented || closed);
    }
    all > 1 && coded * 5 >= all * 2
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn styles(work: &Work) -> Vec<(&str, Style)> {
        let runs = work.sections.iter().flat_map(|section| &section.runs);
        runs.map(|run| (&*run.text, run.style)).collect()
    }

    #[test]
    fn a_text_is_read_as_what_it_is() {
        let page = "# Title\nHello.\n\n```rust\nlet x = 1;\n```\nBye.";
        assert_eq!(styles(&Work::of(&json!(page), 100)), [(page, Style::Markdown)]);
        let cut = Work::of(&json!(page), 2);
        assert_eq!(
            (styles(&cut), cut.left_out),
            (vec![("# Title\nHello.\n", Style::Markdown)], 5)
        );
        let nested = "Do this:\n\n- one\n    - two\n    - three\n    - four";
        assert_eq!(styles(&Work::of(&json!(nested), 100)), [(nested, Style::Markdown)]);
        assert_eq!(
            styles(&Work::of(&json!("Hello.\nBye."), 9)),
            [("Hello.\nBye.", Style::Prose)]
        );
        let change = Work::of(&json!("--- a\n+++ b\n@@ -1 +1 @@\n-old\n+new\n same"), 100);
        assert_eq!(
            styles(&change),
            [
                ("--- a\n+++ b\n@@ -1 +1 @@", Style::Place),
                ("-old", Style::Removed),
                ("+new", Style::Added),
                (" same", Style::Code)
            ]
        );
        let code = Work::of(&json!("fn main() {\n    println!();\n}"), 100);
        assert_eq!(styles(&code).len(), 1);
        assert_eq!(styles(&code)[0].1, Style::Code);
    }

    #[test]
    fn small_values_are_facts_and_large_ones_parts() {
        let work = Work::of(
            &json!({"branch": "main", "deep": {"x": [1]}, "files": 3, "nothing": null, "report_text": "One\nTwo",
                    "tags": ["a", "b"]}),
            100,
        );
        let facts: Vec<_> = work
            .facts
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(facts, ["branch=main", "files=3", "tags=a, b"]);
        let names: Vec<_> = work.sections.iter().map(|section| &*section.name).collect();
        assert_eq!(names, ["deep", "report text"]);
        assert!(Work::of(&Value::Null, 10).is_empty());
    }

    #[test]
    fn ten_megabytes_are_cut_and_counted() {
        let long = Work::of(&json!("line\n".repeat(2_000_000)), 400);
        assert_eq!(long.left_out, 1_999_600);
        let page = Work::of(&json!(format!("# Title\n{}", "x".repeat(markdown::MOST))), 10);
        assert_eq!(styles(&page)[0].1, Style::Prose, "too much for a page");
        let unbroken = Work::of(&json!("🚀".repeat(2_500_000)), 10);
        assert_eq!(unbroken.left_out, 1_240);
        assert_eq!(styles(&unbroken)[0].0.chars().count(), 10 * BREAK + 9);
    }

    #[test]
    fn any_language() {
        let work = Work::of(&json!("مرحبا 👋\nهذا نص"), 10);
        assert_eq!(styles(&work), [("مرحبا 👋\nهذا نص", Style::Prose)]);
    }
}

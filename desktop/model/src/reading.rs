//! What of an input or an output is there to be read: its texts, rather than the JSON that they are in.

use orchestrator_protocol::Json;
use serde_json::Value;

use crate::{
    markdown::{self, is_markdown},
    work::Work,
};

/// Texts as a person reads them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// A text of any size, line by line.
    Lines(String),
    /// A page, and what is copied of it.
    Page(Work, String),
}

impl Reading {
    /// What is there to be read; none where the JSON says it best.
    pub fn of(json: &Json) -> Option<Self> {
        let bytes = json.get();
        if bytes.starts_with('"') {
            let text: String = json.to().ok()?;
            let is_page = text.len() <= markdown::MOST && is_markdown(&text);
            return Some(if is_page {
                Self::Page(Work::of(&Value::String(text.clone()), usize::MAX), text)
            } else {
                Self::Lines(text)
            });
        }
        if !bytes.starts_with('{') || bytes.len() > 4 * markdown::MOST {
            return None;
        }
        let Value::Object(mut fields) = json.to_value() else {
            return None;
        };
        // What nests is for the JSON to show.
        fields.retain(|_, value| !value.is_object() && !value.is_array());
        let texts = fields.values().filter_map(Value::as_str);
        let long: Vec<&str> = texts.filter(|text| text.trim_end().contains('\n')).collect();
        let copied = match long[..] {
            [] => return None,
            [text] => text.to_owned(),
            _ => long.join("\n\n"),
        };
        if copied.len() > markdown::MOST {
            return None;
        }
        Some(Self::Page(Work::of(&Value::Object(fields), usize::MAX), copied))
    }

    /// What is copied.
    pub fn source(&self) -> &str {
        match self {
            Self::Lines(text) | Self::Page(_, text) => text,
        }
    }

    /// The page, where it is one.
    pub fn page(&self) -> Option<&Work> {
        match self {
            Self::Page(page, _) => Some(page),
            Self::Lines(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::work::Style;

    fn of(value: Value) -> Option<Reading> {
        Reading::of(&Json::from(value))
    }

    fn is_markdown_page(reading: &Reading) -> bool {
        let sections = reading.page().into_iter().flat_map(|page| &page.sections);
        let mut runs = sections.flat_map(|section| &section.runs);
        runs.any(|run| run.style == Style::Markdown)
    }

    #[test]
    fn a_text_is_read_as_a_text() {
        let lines = of(json!("one \"line\"\nand more")).expect("a text");
        assert_eq!(lines, Reading::Lines("one \"line\"\nand more".to_owned()));
        let page = of(json!("# Title\n\nWords")).expect("a page");
        assert!(is_markdown_page(&page));
        assert_eq!(page.source(), "# Title\n\nWords");
        let large = of(json!(format!("# Title\n{}", "line\n".repeat(2_000_000)))).expect("a text");
        assert!(matches!(&large, Reading::Lines(text) if text.len() > 9_000_000));
    }

    #[test]
    fn the_page_of_a_report_is_read_before_its_numbers() {
        let page = "# Review\n\n**Verdict: fair**";
        let reading = of(json!({"report": {"findings": [1, 2]}, "markdown": page})).expect("a page");
        assert_eq!((reading.source(), is_markdown_page(&reading)), (page, true));
        let answer = of(json!({"text": "- a\n- b", "model": "m", "json": null, "usage": {}})).expect("an answer");
        let Reading::Page(work, _) = &answer else {
            panic!("{answer:?}")
        };
        assert_eq!(work.facts, [("model".to_owned(), "m".to_owned())]);
        let both = of(json!({"stdout": "a\nb", "stderr": "c\nd", "status": 1})).expect("texts");
        assert_eq!((both.source(), is_markdown_page(&both)), ("c\nd\n\na\nb", false));
    }

    #[test]
    fn everything_else_is_json() {
        for value in [
            json!(null),
            json!(3),
            json!(["a\nb"]),
            json!({"text": "one line", "n": 1}),
            json!({"stdout": "one line\n"}),
            json!({"deep": {"text": "a\nb"}}),
            json!({"text": "line\n".repeat(200_000)}),
        ] {
            assert_eq!(of(value), None);
        }
    }
}

//! What reviewers said of the work under review.

use serde_json::{Map, Value};

use crate::report::Report;

/// What one reviewer said.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Opinion {
    /// Who.
    pub who: String,
    /// The verdict, in words; may be empty.
    pub verdict: String,
    /// A score from 0 to 10.
    pub score: Option<f64>,
    /// Why; may be empty.
    pub why: String,
}

/// A checkpoint, sorted by what helps to decide.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sorted {
    /// The work itself, without what is below.
    pub content: Value,
    /// What else helps to decide, without what is below.
    pub context: Value,
    /// Scores and findings of all parts together.
    pub report: Option<Report>,
    /// What reviewers said.
    pub opinions: Vec<Opinion>,
}

const JUDGED: [&str; 8] = [
    "findings",
    "issues",
    "kept",
    "scores",
    "overall",
    "score",
    "recommendations",
    "verdict",
];
const OPINIONS: [&str; 4] = ["reviews", "opinions", "votes", "reviewers"];

impl Sorted {
    /// Sorts what an agent asks with.
    pub fn new(mut content: Value, evaluation: Value, mut context: Value) -> Self {
        let mut opinions = Vec::new();
        let mut evaluation = evaluation;
        for part in [&mut evaluation, &mut context, &mut content] {
            opinions.extend(take_opinions(part));
        }
        let mut all = Map::new();
        all.insert("evaluation".to_owned(), evaluation);
        all.insert("report".to_owned(), judged(&content));
        all.insert("review".to_owned(), judged(&context));
        let report = Report::of(&Value::Object(all));
        if report.is_some() {
            strip(&mut content);
            strip(&mut context);
        }
        Self {
            content,
            context,
            report,
            opinions,
        }
    }

    /// Whether there is nothing beside the work.
    pub fn is_bare(&self) -> bool {
        self.report.is_none() && self.opinions.is_empty() && crate::work::Work::of(&self.context, 1).is_empty()
    }
}

/// The judging fields alone: the work itself may be large, and is not copied.
fn judged(value: &Value) -> Value {
    let field = |name: &&str| Some(((*name).to_owned(), value.get(*name)?.clone()));
    Value::Object(JUDGED.iter().filter_map(field).collect())
}

/// Takes away lists and objects that a report has read; plain words stay, they may be anything.
fn strip(value: &mut Value) {
    if let Value::Object(fields) = value {
        fields.retain(|name, value| !JUDGED.contains(&&**name) || !(value.is_array() || value.is_object()));
    }
}

fn take_opinions(value: &mut Value) -> Vec<Opinion> {
    let Value::Object(fields) = value else {
        return Vec::new();
    };
    for name in OPINIONS {
        let read: Vec<Opinion> = match fields.get(name) {
            Some(Value::Array(items)) => items.iter().filter_map(|item| opinion("", item)).collect(),
            Some(Value::Object(by_name)) => by_name.iter().filter_map(|(who, item)| opinion(who, item)).collect(),
            _ => continue,
        };
        if !read.is_empty() {
            fields.remove(name);
            return read;
        }
    }
    Vec::new()
}

fn opinion(who: &str, value: &Value) -> Option<Opinion> {
    let text = |names: &[&str]| {
        let found = names.iter().find_map(|name| value.get(name)?.as_str());
        found.unwrap_or_default().to_owned()
    };
    let opinion = Opinion {
        who: Some(text(&["reviewer", "name", "agent", "who", "model"]))
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| who.to_owned()),
        verdict: text(&["verdict", "decision", "vote"]).replace('_', " "),
        score: value
            .get("score")
            .or_else(|| value.get("overall"))
            .and_then(Value::as_f64),
        why: value.as_str().map_or_else(
            || text(&["comment", "summary", "feedback", "reason", "why", "text"]),
            str::to_owned,
        ),
    };
    let says = !opinion.verdict.is_empty() || opinion.score.is_some() || !opinion.why.is_empty();
    (says && !opinion.who.is_empty()).then_some(opinion)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_judges_is_set_apart_from_the_work() {
        let sorted = Sorted::new(
            json!({"diff": "@@ -1 +1 @@", "findings": [{"severity": "high", "message": "A key"}], "verdict": "fine"}),
            json!({"scores": {"security": 3.0, "overall": 5.5}, "issues": ["Slow"]}),
            json!({"branch": "main", "reviews": [{"reviewer": "security", "verdict": "needs_work", "comment": "No."}]}),
        );
        let report = sorted.report.clone().expect("a report");
        assert_eq!((report.findings.len(), report.overall), (2, Some(5.5)));
        assert_eq!(sorted.content, json!({"diff": "@@ -1 +1 @@", "verdict": "fine"}));
        assert_eq!(sorted.context, json!({"branch": "main"}));
        assert_eq!(sorted.opinions[0].who, "security");
        assert_eq!(sorted.opinions[0].verdict, "needs work");
        assert!(!sorted.is_bare());
    }

    #[test]
    fn what_judges_nothing_is_left_alone() {
        let work = json!({"reviews": 3, "votes": [1, 2], "text": "x"});
        let sorted = Sorted::new(work.clone(), Value::Null, Value::Null);
        assert_eq!((sorted.content.clone(), sorted.report.clone()), (work, None));
        assert!(sorted.is_bare());
        let named = Sorted::new(
            json!({"reviews": {"ada": "Good.", "lin": {"score": 4}}}),
            Value::Null,
            Value::Null,
        );
        let who: Vec<_> = named.opinions.iter().map(|opinion| &*opinion.who).collect();
        assert_eq!(who, ["ada", "lin"]);
    }
}

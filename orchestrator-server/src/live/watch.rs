//! What a viewer asks for.

use orchestrator_core::store::{EventScope, StoreError};
use orchestrator_protocol::{EventType, Seq, TaskId};

/// What a viewer asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watch {
    /// Whose events.
    pub scope: EventScope,
    /// Of these types; empty means all.
    pub types: Vec<EventType>,
    /// After this place in the history; none means from now on.
    pub after: Option<Seq>,
}

impl Watch {
    /// Reads the parameters of a request: `task_id`, `tree`, `types`, `after`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] names the first that is wrong.
    pub fn parse<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, StoreError> {
        let (mut task, mut tree) = (None, None);
        let mut watch = Self::default();
        for (name, value) in parameters {
            let wrong = |message: &str| StoreError::invalid(name, message);
            match name {
                "task_id" => task = Some(value.parse::<TaskId>().map_err(|error| wrong(&error.to_string()))?),
                "tree" => tree = Some(value.parse::<bool>().map_err(|_| wrong("must be true or false"))?),
                "types" => {
                    for name in value.split(',').map(str::trim).filter(|name| !name.is_empty()) {
                        watch.types.push(name.parse().map_err(|error: String| wrong(&error))?);
                    }
                }
                "after" => {
                    let seq = value.parse().ok().filter(|seq| *seq >= 0);
                    watch.after = Some(Seq(seq.ok_or_else(|| wrong("must be the `seq` of an event, or 0"))?));
                }
                _ => return Err(wrong("is not a parameter; there are task_id, tree, types and after")),
            }
        }
        watch.types.sort_unstable();
        watch.types.dedup();
        watch.scope = match (task, tree.unwrap_or(false)) {
            (Some(id), true) => EventScope::Tree(id),
            (Some(id), false) => EventScope::Task(id),
            (None, true) => return Err(StoreError::invalid("tree", "needs a task_id")),
            (None, false) => EventScope::All,
        };
        Ok(watch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01930000-0000-7000-8000-000000000001";

    fn field(parameters: &[(&str, &str)]) -> String {
        match Watch::parse(parameters.iter().copied()) {
            Err(StoreError::Invalid { field, .. }) => field,
            other => panic!("an invalid field, not {other:?}"),
        }
    }

    #[test]
    fn parameters() {
        let id: TaskId = ID.parse().expect("an id");
        assert_eq!(Watch::parse([]), Ok(Watch::default()));
        let watch = Watch::parse([
            ("task_id", ID),
            ("tree", "true"),
            ("types", "task_state, task_log,"),
            ("types", "task_log"),
            ("after", "17"),
        ]);
        let expected = Watch {
            scope: EventScope::Tree(id),
            types: vec![EventType::TaskState, EventType::TaskLog],
            after: Some(Seq(17)),
        };
        assert_eq!(watch, Ok(expected));
        let one = Watch::parse([("task_id", ID), ("tree", "false")]).expect("a task's events");
        assert_eq!(one.scope, EventScope::Task(id));
        for (parameters, expected) in [
            (&[("task_id", "7")][..], "task_id"),
            (&[("tree", "true")], "tree"),
            (&[("tree", "maybe"), ("task_id", ID)], "tree"),
            (&[("types", "task_song")], "types"),
            (&[("after", "-1")], "after"),
            (&[("after", "x")], "after"),
            (&[("token", "secret")], "token"),
        ] {
            assert_eq!(field(parameters), expected);
        }
    }
}

//! Lines for logs and pipes: what is of interest, not every change.

use std::collections::BTreeMap;

use orchestrator_core::protocol::{Event, EventType, TaskId, TaskState};

use super::{
    model::{Model, Node},
    words,
};

/// Which lines were written already.
#[derive(Debug, Default)]
pub struct Plain {
    /// The last tenth of each fan-out that was told.
    tenths: BTreeMap<(TaskId, String), usize>,
}

impl Plain {
    /// The line for an event that the model has taken in, if it is worth one.
    pub fn line(&mut self, model: &Model, event: &Event) -> Option<String> {
        let node = model.node(event.task_id?)?;
        match event.kind {
            EventType::TaskState => self.state(model, node),
            EventType::TaskLog if node.fan_out().is_none() => {
                let text = words::clean(event.body.text.as_ref()?);
                Some(format!("{}: {text}", node.name))
            }
            _ => None,
        }
    }

    fn state(&mut self, model: &Model, node: &Node) -> Option<String> {
        // Where a whole tree is held, as by a spent budget, one line is enough.
        if node.state == TaskState::Paused && model.above(node).any(|above| above.state == TaskState::Paused) {
            return None;
        }
        let unusual = matches!(
            node.state,
            TaskState::Failed | TaskState::Paused | TaskState::NeedsAttention
        );
        if let (Some(name), Some(parent), false) = (node.fan_out(), node.parent, unusual) {
            return node
                .state
                .is_terminal()
                .then(|| self.tenth(model, parent, name))
                .flatten();
        }
        // The last line of all says how the root has ended.
        if node.state.is_terminal() && model.root().is_some_and(|root| root.id == node.id) {
            return None;
        }
        // A task that waits for its children is running again at once and often; that is not news.
        let again = node.state == TaskState::Running && node.line.is_some();
        let told = node.state.is_terminal()
            || unusual
            || node.state == TaskState::Scheduled
            || (node.state == TaskState::Running && !again);
        let why = node.why.as_deref().map(|why| format!(": {}", words::one_line(why)));
        told.then(|| format!("{} {}{}", node.name, node.state, why.unwrap_or_default()))
    }

    /// A line for each tenth of a fan-out that has ended.
    fn tenth(&mut self, model: &Model, parent: TaskId, name: &str) -> Option<String> {
        let group = model.group(parent, name);
        let tenth = group.ended * 10 / group.all.max(1);
        let told = self.tenths.entry((parent, name.to_owned())).or_default();
        if tenth <= *told && group.ended < group.all {
            return None;
        }
        *told = tenth;
        Some(format!("{name}: {} of {}", group.ended, group.all))
    }
}

/// How far a task was that somebody comes late to.
pub fn past(model: &Model) -> Option<String> {
    let below = model.len().saturating_sub(1);
    // What was cancelled with it has ended too, but a retry runs that again.
    let done = model.count(|state| state == TaskState::Succeeded);
    let root = model.root()?;
    (below > 0 && !root.state.is_terminal())
        .then(|| format!("{}: {done} of {below} task(s) below it had succeeded before", root.name))
}

#[cfg(test)]
mod tests {
    use orchestrator_core::protocol::{EventBody, TaskError};

    use super::{
        super::tree::tests::{born, event, log, state},
        *,
    };

    fn lines(events: &[Event]) -> Vec<String> {
        let (mut model, mut plain) = (Model::new(events[0].task_id.expect("a task")), Plain::default());
        let told = events.iter().filter_map(|event| {
            model.apply(event);
            plain.line(&model, event)
        });
        told.collect()
    }

    #[test]
    fn a_fan_out_is_told_in_tenths() {
        let mut events = vec![born(1, None, "review"), state(1, TaskState::Running)];
        events.extend((0..500).map(|i| born(i + 2, Some(1), &format!("file[{i}]"))));
        for i in 0..500 {
            events.push(state(i + 2, TaskState::Running));
            events.push(log(i + 2, "src/main.rs"));
            events.push(state(i + 2, TaskState::Succeeded));
        }
        let lines = lines(&events);
        assert_eq!(lines.len(), 11, "{lines:?}");
        assert_eq!((&*lines[1], &*lines[10]), ("file: 50 of 500", "file: 500 of 500"));
    }

    #[test]
    fn failures_are_told_wherever_they_happen_on_one_line() {
        let mut failed = state(2, TaskState::Failed);
        failed.body.error = Some(TaskError::terminal("no\nsuch \u{1b}[2Jfile"));
        let told = lines(&[born(1, None, "review"), born(2, Some(1), "file[0]"), failed]);
        assert_eq!(told, ["file[0] failed: no such  [2Jfile"]);
    }

    #[test]
    fn a_tree_that_is_held_is_told_once() {
        let paused = |id| {
            let mut paused = state(id, TaskState::Paused);
            paused.body.text = Some("the budget is spent".into());
            paused
        };
        let mut events = vec![born(1, None, "review")];
        events.extend((2..500).map(|id| born(id, Some(1), &format!("file[{id}]"))));
        events.extend((1..500).map(paused));
        assert_eq!(lines(&events), ["review paused: the budget is spent"]);
        let one = lines(&[born(1, None, "review"), born(2, Some(1), "file[0]"), paused(2)]);
        assert_eq!(one, ["file[0] paused: the budget is spent"]);
    }

    #[test]
    fn going_on_after_a_wait_is_no_news() {
        let told = lines(&[
            born(1, None, "t"),
            state(1, TaskState::Running),
            log(1, "hello"),
            state(1, TaskState::Waiting),
            state(1, TaskState::Running),
            event(1, EventType::TaskUsage, EventBody::default()),
            state(1, TaskState::Succeeded),
        ]);
        assert_eq!(told, ["t running", "t: hello"]);
    }
}

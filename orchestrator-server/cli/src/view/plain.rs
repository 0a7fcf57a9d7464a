//! Lines for logs and pipes: what is of interest, not every change.

use orchestrator_core::protocol::{Event, EventType, TaskState};

use super::model::Model;

/// Which lines were written already.
#[derive(Debug, Default)]
pub struct Plain {
    /// The last tenth of a fan-out that was told, by its name.
    tenths: std::collections::BTreeMap<String, usize>,
}

impl Plain {
    /// The line for an event that the model has taken in, if it is worth one.
    pub fn line(&mut self, model: &Model, event: &Event) -> Option<String> {
        let node = model.node(event.task_id?)?;
        match event.kind {
            EventType::TaskState => {
                if let (Some(name), false) = (node.fan_out(), node.state == TaskState::Failed) {
                    return node
                        .state
                        .is_terminal()
                        .then(|| self.tenth(model, event, name))
                        .flatten();
                }
                let why = node.error.as_ref().or(event.body.text.as_ref());
                let why = why.map(|w| format!(": {w}")).unwrap_or_default();
                let told = matches!(
                    node.state,
                    TaskState::Running | TaskState::Scheduled | TaskState::Paused | TaskState::NeedsAttention
                ) || node.state.is_terminal();
                told.then(|| format!("{} {}{why}", node.name, node.state))
            }
            EventType::TaskLog if node.fan_out().is_none() => {
                Some(format!("{}: {}", node.name, event.body.text.as_ref()?))
            }
            _ => None,
        }
    }

    /// A line for each tenth of a fan-out that has ended.
    fn tenth(&mut self, model: &Model, event: &Event, name: &str) -> Option<String> {
        let parent = model
            .root()
            .filter(|r| r.children.contains(&event.task_id.unwrap_or(r.id)))?;
        let parts: Vec<_> = model.children(parent).filter(|n| n.fan_out() == Some(name)).collect();
        let ended = parts.iter().filter(|n| n.state.is_terminal()).count();
        let tenth = ended * 10 / parts.len().max(1);
        let told = self.tenths.entry(name.to_owned()).or_default();
        if tenth <= *told && ended < parts.len() {
            return None;
        }
        *told = tenth;
        Some(format!("{name}: {ended} of {}", parts.len()))
    }
}

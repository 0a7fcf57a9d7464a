//! Why a worker was chosen, in words.

use orchestrator_protocol::{Placement, PlacementParts, WorkerId};

/// One line about a placement. `name` gives the name of a worker, where it is known.
pub fn words(placement: &Placement, name: impl Fn(WorkerId) -> Option<String>) -> String {
    let mut said = vec![format!(
        "it suits the task by {} of 100 ({})",
        placement.score,
        parts(placement.parts)
    )];
    if let Some(second) = &placement.runner_up {
        let known = name(second.worker_id).unwrap_or_else(|| second.worker_id.to_string());
        let which = match placement.compared.saturating_sub(1) {
            others @ 2.. => format!("the next of {others} others"),
            _ => "the other one".to_owned(),
        };
        said.push(format!("{which}, `{known}`, by {}", second.score));
    }
    if !placement.passed_over.is_empty() {
        let passed = placement.passed_over.iter();
        let passed: Vec<String> = passed.map(|(why, count)| format!("{count} {}", why.as_str())).collect();
        said.push(format!("passed over: {}", passed.join(", ")));
    }
    said.join("; ")
}

fn parts(parts: PlacementParts) -> String {
    let PlacementParts {
        tools,
        resources,
        balance,
        affinity,
        success,
        cost,
    } = parts;
    format!(
        "tools {tools}, resources {resources}, free slots {balance}, affinity {affinity}, success {success}, cost {cost}"
    )
}

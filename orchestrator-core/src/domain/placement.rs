//! Which worker may run which task, and which should.

pub mod decision;
mod eligibility;
mod policy;
pub mod record;
mod words;

use std::collections::BTreeSet;

use orchestrator_protocol::Privacy;

pub use self::{
    eligibility::{Eligibility, Eligible},
    policy::Policy,
    words::words,
};
use crate::store::row::Lane;

/// The label of workers and tools that keep everything on their own machine.
pub const LOCAL: &str = "local";

/// Requirements that begin like this confine a whole tree: what is below a task that has one has it too. A program that
/// shares its store with others gives its worker such a label when it wants to run its own tasks and nobody else's.
pub const RUN: &str = "run:";

/// Whether what a worker offers meets one requirement.
///
/// A plain label must be offered as it is. `name>=number` (also `>`, `<=`, `<`, `=`) compares with an offered
/// `name=number`; labels of the form `name:value` are plain.
///
/// ```
/// use orchestrator_core::domain::placement::meets;
///
/// let offered = ["tool:git".to_owned(), "memory_gb=32".to_owned()].into();
/// assert!(meets(&offered, "tool:git"));
/// assert!(meets(&offered, "memory_gb>=16"));
/// assert!(!meets(&offered, "gpu"));
/// ```
pub fn meets(offered: &BTreeSet<String>, requirement: &str) -> bool {
    if offered.contains(requirement) {
        return true;
    }
    let Some((name, operator, wanted)) = comparison(requirement) else {
        return false;
    };
    offered.iter().any(|label| {
        label
            .split_once('=')
            .filter(|(n, _)| *n == name)
            .and_then(|(_, v)| v.parse::<f64>().ok())
            .is_some_and(|value| match operator {
                ">=" => value >= wanted,
                ">" => value > wanted,
                "<=" => value <= wanted,
                "<" => value < wanted,
                _ => (value - wanted).abs() < f64::EPSILON,
            })
    })
}

/// The name, the operator and the number of a comparing requirement.
fn comparison(requirement: &str) -> Option<(&str, &'static str, f64)> {
    [">=", "<=", ">", "<", "="].into_iter().find_map(|operator| {
        let (name, number) = requirement.split_once(operator)?;
        Some((name.trim(), operator, number.trim().parse().ok()?))
    })
}

/// What keeps a session from running the tasks of a lane; empty when nothing does.
pub fn obstacles(lane: &Lane, labels: &BTreeSet<String>, task_types: &BTreeSet<String>) -> Vec<String> {
    let mut missing = Vec::new();
    if !task_types.contains(&lane.task_type) {
        missing.push(format!("does not have the agent `{}`", lane.task_type));
    }
    if lane.privacy == Privacy::Sensitive && !labels.contains(LOCAL) {
        missing.push(format!("is not marked `{LOCAL}`, which sensitive tasks need"));
    }
    missing.extend(
        lane.requires
            .iter()
            .filter(|r| !meets(labels, r))
            .map(|r| format!("does not offer `{r}`")),
    );
    missing
}

/// Whether a session may run the tasks of a lane.
pub fn may_run(lane: &Lane, labels: &BTreeSet<String>, task_types: &BTreeSet<String>) -> bool {
    task_types.contains(&lane.task_type)
        && (lane.privacy == Privacy::Normal || labels.contains(LOCAL))
        && lane.requires.iter().all(|r| meets(labels, r))
}

/// How much earlier a worker takes a task that prefers what it offers, and how much later one that prefers what it does
/// not offer, than a task without preferences: half a minute. Being bounded, it makes nothing starve.
pub const HEAD_START_US: i64 = 30_000_000;

/// How well a session that may run the tasks of a lane suits them: from −1 (it offers nothing of what they prefer) to 1
/// (it offers all of it); 0 when they have no preferences.
pub fn score(lane: &Lane, labels: &BTreeSet<String>) -> f64 {
    if lane.prefers.is_empty() {
        return 0.0;
    }
    let met = lane.prefers.iter().filter(|p| meets(labels, p)).count();
    2.0 * met as f64 / lane.prefers.len() as f64 - 1.0
}

/// By how much the rank of a lane's tasks is lowered for a session: nothing that another priority could not outweigh.
fn head_start(lane: &Lane, labels: &BTreeSet<String>) -> i64 {
    (score(lane, labels) * HEAD_START_US as f64) as i64
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use orchestrator_protocol::{Load, SessionId, Timestamp, WorkerId};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::store::row::SessionRow;

    /// A session whose number is also its worker's.
    pub(super) fn session(number: u128, task_types: &[&str], labels: &[&str]) -> SessionRow {
        let id = Uuid::from_u128(number);
        SessionRow {
            id: SessionId::from_uuid(id),
            worker: WorkerId::from_uuid(id),
            name: String::new(),
            labels: set(labels),
            task_types: set(task_types),
            slots: 1,
            ttl_us: 0,
            owner: None,
            seen_at: Timestamp::EPOCH,
            load: Load::default(),
            record: Arc::default(),
            draining: false,
            expires_at: Timestamp::EPOCH,
        }
    }

    fn set(labels: &[&str]) -> BTreeSet<String> {
        labels.iter().map(|l| (*l).to_owned()).collect()
    }

    #[test]
    fn numbers_compare() {
        let offered = set(&["memory_gb=16", "gpu", "tool:ruff"]);
        for (requirement, met) in [
            ("memory_gb>=16", true),
            ("memory_gb>16", false),
            ("memory_gb<=16", true),
            ("memory_gb<16", false),
            ("memory_gb=16", true),
            ("memory_gb=16.0", true),
            ("memory_gb >= 8", true),
            ("cpu>=1", false),
            ("gpu", true),
            ("gpu>=1", false),
            ("tool:ruff", true),
            ("tool:mypy", false),
            ("memory_gb>=lots", false),
        ] {
            assert_eq!(meets(&offered, requirement), met, "{requirement}");
        }
    }

    #[test]
    fn obstacles_are_all_named_and_agree_with_the_filter() {
        let lane = Lane {
            queue: "default".into(),
            task_type: "review".into(),
            requires: vec!["gpu".into(), "memory_gb>=64".into()],
            prefers: vec![],
            limits: vec![],
            privacy: Privacy::Sensitive,
        };
        assert_eq!(obstacles(&lane, &set(&[]), &set(&[])).len(), 4);
        assert!(!may_run(&lane, &set(&[]), &set(&[])));
        let (labels, types) = (set(&["gpu", "memory_gb=64", LOCAL]), set(&["review"]));
        assert!(obstacles(&lane, &labels, &types).is_empty());
        assert!(may_run(&lane, &labels, &types));
    }

    proptest! {
        /// More of what is preferred is never worth less, and no preference is between all and nothing.
        #[test]
        fn the_score_grows_with_what_is_met(prefers in 1..8_usize, met in 0..8_usize) {
            let names: Vec<String> = (0..prefers).map(|n| format!("label-{n}")).collect();
            let lane = Lane {
                queue: "default".into(),
                task_type: "a".into(),
                requires: vec![],
                prefers: names.clone(),
                limits: vec![],
                privacy: Privacy::Normal,
            };
            let offered = |count: usize| names.iter().take(count).cloned().collect::<BTreeSet<_>>();
            let at = |count: usize| score(&lane, &offered(count));
            prop_assert!(at(met) <= at(met + 1));
            prop_assert!((at(0) + 1.0).abs() < f64::EPSILON && (at(prefers) - 1.0).abs() < f64::EPSILON);
            prop_assert!(head_start(&lane, &offered(met)).abs() <= HEAD_START_US);
            let indifferent = Lane { prefers: vec![], ..lane };
            prop_assert!(score(&indifferent, &offered(met)).abs() < f64::EPSILON);
        }
    }
}

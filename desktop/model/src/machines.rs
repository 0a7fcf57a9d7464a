//! The machines: which are shown, and what runs on them.

use std::collections::BTreeMap;

use orchestrator_protocol::{Event, EventType, Task, TaskId, TaskState, Worker, WorkerId, WorkerState};

/// The machines as a person looks at them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Machines {
    /// What a shown machine's name, labels or task types must contain; empty means all.
    pub filter: String,
    /// The machine that is to be drained, until the person confirms it.
    pub confirming: Option<WorkerId>,
    running: BTreeMap<WorkerId, Vec<Task>>,
    asking: Asking,
}

/// Whether the running tasks are being asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Asking {
    #[default]
    No,
    Yes,
    /// They have changed since they were asked for.
    YesAndAgain,
}

/// The fleet in one line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Machines that take tasks.
    pub online: usize,
    /// Machines that finish what they have.
    pub draining: usize,
    /// Slots of those that take tasks.
    pub slots: u32,
    /// Tasks that run.
    pub running: u32,
}

/// The fleet in one line.
pub fn summary(workers: &[Worker]) -> Summary {
    let mut summary = Summary::default();
    for worker in workers {
        match worker.state {
            WorkerState::Online => {
                summary.online += 1;
                summary.slots = summary.slots.saturating_add(worker.slots);
            }
            WorkerState::Draining => summary.draining += 1,
            WorkerState::Offline => {}
        }
        summary.running = summary.running.saturating_add(worker.running);
    }
    summary
}

impl Machines {
    /// The machines that are shown, by name.
    pub fn shown<'a>(&self, workers: &'a [Worker]) -> Vec<&'a Worker> {
        let wanted = self.filter.trim().to_lowercase();
        let has = |text: &String| text.to_lowercase().contains(&wanted);
        let is_wanted =
            |worker: &&Worker| has(&worker.name) || worker.labels.iter().any(has) || worker.task_types.iter().any(has);
        workers.iter().filter(is_wanted).collect()
    }

    /// The tasks that a machine runs, as far as they are known.
    pub fn running_on(&self, worker: WorkerId) -> &[Task] {
        self.running.get(&worker).map_or(&[], Vec::as_slice)
    }

    /// The running tasks are wanted. Says whether they should be asked for now; while an answer is awaited they need not
    /// be, but will be when it comes.
    pub fn want(&mut self) -> bool {
        let now = self.asking == Asking::No;
        self.asking = if now { Asking::Yes } else { Asking::YesAndAgain };
        now
    }

    /// The running tasks have come, or not. Says whether they should be asked for again.
    pub fn told(&mut self, tasks: Option<Vec<Task>>) -> bool {
        let again = std::mem::take(&mut self.asking) == Asking::YesAndAgain;
        if let Some(tasks) = tasks {
            self.running.clear();
            for task in tasks {
                if let Some(worker) = task.worker_id {
                    self.running.entry(worker).or_default().push(task);
                }
            }
        }
        again
    }

    /// Something happened. Says whether the running tasks have changed.
    pub fn happen(&mut self, event: &Event) -> bool {
        match (event.kind, event.task_id, event.body.state) {
            (EventType::TaskState, _, Some(TaskState::Running)) | (EventType::Lagged, ..) => true,
            (EventType::TaskState, Some(id), Some(_)) => self.forget(id),
            (EventType::TaskProgress, Some(id), _) => {
                let mut tasks = self.running.values_mut().flatten();
                if let Some(task) = tasks.find(|task| task.id == id) {
                    task.progress = event.body.progress.or(task.progress);
                }
                false
            }
            _ => false,
        }
    }

    fn forget(&mut self, id: TaskId) -> bool {
        for tasks in self.running.values_mut() {
            tasks.retain(|task| task.id != id);
        }
        false
    }

    /// The machine that waits for a confirmation, as long as it is there and can be drained.
    pub fn to_confirm(&self, workers: &[Worker]) -> Option<WorkerId> {
        let id = self.confirming?;
        let can = |worker: &Worker| worker.id == id && worker.state == WorkerState::Online;
        workers.iter().any(can).then_some(id)
    }
}

/// What draining a machine means, in one line.
pub fn consequence(worker: &Worker) -> String {
    let rest = match worker.running {
        0 => "It runs nothing now.".to_owned(),
        1 => "It finishes the one task that it runs.".to_owned(),
        n => format!("It finishes the {n} tasks that it runs."),
    };
    format!("{rest} It takes no more until its worker is started again.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{id, state, task, worker};

    #[test]
    fn a_filter_looks_at_names_labels_and_types() {
        let workers = [worker(1, "Studio"), worker(2, "جهاز 🚀")];
        let shown = |filter: &str| {
            let machines = Machines {
                filter: filter.to_owned(),
                ..Machines::default()
            };
            machines.shown(&workers).len()
        };
        for (filter, expected) in [
            ("", 2),
            (" STUDIO ", 1),
            ("os:linux", 2),
            ("review", 2),
            ("🚀", 1),
            ("none", 0),
        ] {
            assert_eq!(shown(filter), expected, "{filter}");
        }
    }

    #[test]
    fn running_tasks_are_asked_for_once_at_a_time() {
        let mut machines = Machines::default();
        assert!(machines.want());
        assert!(!machines.want());
        let mut running = task(1, None, TaskState::Running);
        let on = worker(1, "a").id;
        running.worker_id = Some(on);
        assert!(machines.told(Some(vec![running])), "once more");
        assert!(machines.want());
        assert_eq!(machines.running_on(on).len(), 1);
        assert!(!machines.told(None), "a failure keeps what is known");
        assert_eq!(machines.running_on(on)[0].id, id(1));
        assert!(!machines.happen(&state(1, 0.0, 1, TaskState::Succeeded, 1)));
        assert!(machines.running_on(on).is_empty());
        assert!(machines.happen(&state(2, 0.0, 2, TaskState::Running, 1)));
    }

    #[test]
    fn a_machine_that_vanished_or_drains_asks_for_nothing() {
        let mut one = worker(1, "a");
        let machines = Machines {
            confirming: Some(one.id),
            ..Machines::default()
        };
        assert_eq!(machines.to_confirm(std::slice::from_ref(&one)), Some(one.id));
        assert_eq!(machines.to_confirm(&[]), None);
        one.state = WorkerState::Draining;
        assert_eq!(machines.to_confirm(&[one]), None);
    }

    #[test]
    fn a_line_for_all() {
        let mut draining = worker(2, "b");
        draining.state = WorkerState::Draining;
        let all = summary(&[worker(1, "a"), draining]);
        assert_eq!((all.online, all.draining, all.slots, all.running), (1, 1, 4, 2));
    }
}

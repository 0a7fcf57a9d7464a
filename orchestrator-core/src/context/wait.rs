//! What a task waits for.

use orchestrator_protocol::{Join, TaskId, Timestamp};

use super::memo::Memo;

/// What one operation waits for: tasks, a time, or both, whichever comes first.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wait {
    pub(crate) tasks: Vec<TaskId>,
    pub(crate) join: Join,
    pub(crate) until: Option<Timestamp>,
}

impl Wait {
    pub(crate) fn all(tasks: Vec<TaskId>) -> Self {
        Self {
            tasks,
            join: Join::All,
            until: None,
        }
    }

    pub(crate) fn any(tasks: Vec<TaskId>) -> Self {
        Self {
            tasks,
            join: Join::Any,
            until: None,
        }
    }

    pub(crate) fn until(at: Timestamp) -> Self {
        Self {
            tasks: Vec::new(),
            join: Join::All,
            until: Some(at),
        }
    }

    /// Whether it has come; `due` says up to when timers have rung.
    pub(crate) fn is_over(&self, memo: &Memo, due: Timestamp) -> bool {
        if self.until.is_some_and(|at| at <= due) {
            return true;
        }
        if self.tasks.is_empty() {
            return self.until.is_none();
        }
        match self.join {
            Join::All => self.tasks.iter().all(|id| memo.is_settled(*id)),
            _ => self.tasks.iter().any(|id| memo.is_settled(*id)),
        }
    }
}

/// One wait that is over no later than the first of several, asking for unsettled tasks only. With one wait for tasks
/// its own join is kept; with several, any task ends it.
pub(crate) fn union<'a>(waits: impl Iterator<Item = &'a Wait>, memo: &Memo) -> Wait {
    let mut union = Wait {
        tasks: Vec::new(),
        join: Join::All,
        until: None,
    };
    let mut for_tasks = 0;
    for wait in waits {
        union.until = union.until.into_iter().chain(wait.until).min();
        if wait.tasks.is_empty() {
            continue;
        }
        for_tasks += 1;
        union.join = if for_tasks == 1 { wait.join } else { Join::Any };
        union
            .tasks
            .extend(wait.tasks.iter().filter(|id| !memo.is_settled(**id)));
    }
    if for_tasks > 1 {
        union.tasks.sort_unstable();
        union.tasks.dedup();
    }
    union
}

#[cfg(test)]
mod tests {
    use orchestrator_protocol::{Join, TaskId, Timestamp};
    use uuid::Uuid;

    use super::{Wait, union};
    use crate::context::memo::Memo;

    fn id(n: u128) -> TaskId {
        TaskId::from_uuid(Uuid::from_u128(n))
    }

    #[test]
    fn one_wait_keeps_its_join_and_several_end_with_any() {
        let memo = Memo::default();
        let all = Wait::all(vec![id(1), id(2)]);
        let timer = Wait::until(Timestamp::from_micros(5));
        let both = union([&timer, &all].into_iter(), &memo);
        assert_eq!((both.join, both.until), (Join::All, timer.until));
        let any = union([&all, &Wait::all(vec![id(2), id(3)])].into_iter(), &memo);
        assert_eq!(any, Wait::any(vec![id(1), id(2), id(3)]));
    }

    #[test]
    fn a_timer_is_over_when_it_is_due() {
        let timer = Wait::until(Timestamp::from_micros(5));
        assert!(!timer.is_over(&Memo::default(), Timestamp::from_micros(4)));
        assert!(timer.is_over(&Memo::default(), Timestamp::from_micros(5)));
    }
}

//! What one transaction writes, as the arrays that the database's function `write` takes.

use std::sync::LazyLock;

use orchestrator_core::{
    domain::{limit::START_WINDOW, throughput},
    protocol::{Json, NewTask, SessionId, TaskId, Timestamp, WorkerId},
    store::{
        row::TaskRow,
        tally::Tally,
        writer::{
            Changes, Numbers, Settings, Totals,
            codec::{
                Spent, event::Happening, is_small, kind_code, life::More, micros, session, state_code, task, text,
            },
        },
    },
};
use sqlx::{Arguments, Encode, Postgres, Type, postgres::PgArguments};
use uuid::Uuid;

use crate::words::kept;

/// Declares the arrays, by the names of the function's parameters.
macro_rules! arrays {
    ($($name:ident: $element:ty,)*) => {
        /// The arrays.
        #[derive(Default)]
        struct Arrays {
            $($name: Vec<$element>,)*
        }

        const NAMES: &[&str] = &[$(stringify!($name)),*];

        impl Arrays {
            fn bind(self, args: &mut PgArguments) {
                $(add(args, self.$name);)*
            }
        }
    };
}

arrays! {
    edges_to_gone: i64,
    edges_of_gone: i64,
    edge_target: i64,
    edge_waiter: i64,
    due_gone_at: i64,
    due_gone_key: i64,
    due_at: i64,
    due_key: i64,
    aside_gone_state: i16,
    aside_gone_key: i64,
    aside_state: i16,
    aside_key: i64,
    lane_id: i64,
    lane_type: String,
    lane_body: String,
    task_key: i64,
    task_id: Uuid,
    task_parent: Option<i64>,
    task_parent_id: Option<Uuid>,
    task_root: Option<i64>,
    task_root_id: Option<Uuid>,
    task_step: Option<String>,
    task_place_group: Option<String>,
    task_group_size: Option<i32>,
    task_idempotency_key: Option<String>,
    task_created_at: i64,
    task_body: String,
    task_input: Option<String>,
    task_description: Option<String>,
    task_labels: Option<String>,
    born_key: i64,
    born_state: i16,
    born_lane: i64,
    born_rank: i64,
    born_queued: bool,
    born_session: Option<Uuid>,
    born_worker: Option<Uuid>,
    born_lease: Option<i64>,
    born_attempt: i32,
    born_last_event: i64,
    born_started_at: Option<i64>,
    born_finished_at: Option<i64>,
    born_output: Option<String>,
    born_more: Option<String>,
    life_key: i64,
    life_state: i16,
    life_lane: i64,
    life_rank: i64,
    life_queued: bool,
    life_session: Option<Uuid>,
    life_worker: Option<Uuid>,
    life_lease: Option<i64>,
    life_attempt: i32,
    life_last_event: i64,
    life_started_at: Option<i64>,
    life_finished_at: Option<i64>,
    life_output: Option<String>,
    life_more: Option<String>,
    result_key: i64,
    result_output: Option<String>,
    result_error: Option<String>,
    event_seq: i64,
    event_task: i64,
    event_previous: i64,
    event_at: i64,
    event_kind: i16,
    event_state: Option<i16>,
    event_attempt: Option<i32>,
    event_worker: Option<Uuid>,
    event_more: Option<String>,
    step_task: i64,
    step_name: String,
    step_output: String,
    log_task: i64,
    log_seq: i64,
    log_at: i64,
    log_stream: String,
    log_line: Vec<u8>,
    totals: f64,
    start_lane: i64,
    start_at: i64,
    start_n: i32,
    session_id: Uuid,
    session_expires_at: i64,
    session_body: String,
    session_gone: Uuid,
}

/// The parameters that are no arrays, in the order in which they are bound, before the arrays.
const PLAIN: [&str; 6] = ["p_fence", "p_relaxed", "p_key", "p_lease", "p_seq", "start_before"];

/// The call of the function.
static CALL: LazyLock<String> = LazyLock::new(|| {
    let names = PLAIN.iter().chain(NAMES).enumerate();
    let params: Vec<String> = names.map(|(at, name)| format!("{name} => ${}", at + 1)).collect();
    format!("select write({})", params.join(","))
});

/// The call of the function, and of the one that adds spent tokens: one statement, one trip.
static CALL_AND_SPEND: LazyLock<String> = LazyLock::new(|| {
    let next = PLAIN.len() + NAMES.len() + 1;
    let params: Vec<String> = (next..next + 4).map(|at| format!("${at}")).collect();
    format!("{},spend({})", *CALL, params.join(","))
});

/// What is to be written with the next call.
#[derive(Default)]
pub(crate) struct Writes {
    arrays: Box<Arrays>,
    numbers: Numbers,
    start_before: Option<i64>,
    /// Spent tokens: lanes, times, numbers.
    spent: (Vec<i64>, Vec<i64>, Vec<i64>),
    /// What people set: rare, and each a statement of its own.
    pub(crate) settings: Settings,
    any: bool,
    /// Whether numbers were given out, or something happened to a task.
    counts: bool,
}

impl Writes {
    /// Whether there is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        !self.any
    }

    /// Whether it must survive the end of the database's processes: what is not synced waits in their memory, and is gone
    /// with it. A number that was given out would be given out again, to somebody else. Heartbeats may be lost.
    pub(crate) fn must_last(&self) -> bool {
        self.counts
    }

    /// The call, on condition that so many transactions were made before (none: it has the lock), and that it need not be
    /// on the disk when it is answered.
    pub(crate) fn call(self, fence: Option<i64>, relaxed: bool) -> (&'static str, PgArguments) {
        let mut args = PgArguments::default();
        add(&mut args, fence);
        add(&mut args, relaxed);
        add(&mut args, self.numbers.keys.next);
        add(&mut args, self.numbers.leases.next);
        add(&mut args, self.numbers.seqs.next);
        add(&mut args, self.start_before);
        self.arrays.bind(&mut args);
        let (lanes, times, numbers) = self.spent;
        let Some(latest) = times.iter().max() else {
            return (&CALL, args);
        };
        add(
            &mut args,
            Timestamp::from_micros(*latest).minus(START_WINDOW).as_micros(),
        );
        add(&mut args, lanes);
        add(&mut args, times);
        add(&mut args, numbers);
        (&CALL_AND_SPEND, args)
    }

    /// Gathers changes. Those gathered before must have been sent, as a row may be changed again.
    pub(crate) fn gather(&mut self, changes: Changes<'_>) {
        debug_assert!(!self.any, "what is gathered is sent before more is");
        self.any = true;
        self.numbers = changes.numbers;
        self.counts = !(changes.lives.is_empty()
            && changes.born.is_empty()
            && changes.events.is_empty()
            && changes.logs.is_empty()
            && changes.sessions_gone.is_empty());
        let a = &mut *self.arrays;
        a.edges_to_gone = changes.edges_to_gone.iter().map(|key| key.0).collect();
        a.edges_of_gone = changes.edges_of_gone.iter().map(|key| key.0).collect();
        (a.edge_target, a.edge_waiter) = changes
            .edges
            .iter()
            .map(|(target, waiter)| (target.0, waiter.0))
            .unzip();
        (a.due_gone_at, a.due_gone_key) = changes.due_gone.iter().map(|(at, key)| (*at, key.0)).unzip();
        (a.due_at, a.due_key) = changes.due.iter().map(|(at, key)| (*at, key.0)).unzip();
        let aside = |marks: &[(i64, _)]| -> Vec<i16> { marks.iter().map(|(state, _)| *state as i16).collect() };
        a.aside_gone_state = aside(&changes.aside_gone);
        a.aside_gone_key = changes.aside_gone.iter().map(|(_, key)| key.0).collect();
        a.aside_state = aside(&changes.aside);
        a.aside_key = changes.aside.iter().map(|(_, key)| key.0).collect();
        for (id, lane) in &changes.lanes {
            a.lane_id.push(id.0);
            a.lane_type.push(keep(&lane.task_type));
            a.lane_body.push(text(*lane));
        }
        for row in &changes.born {
            a.bear(row);
        }
        let born: std::collections::HashSet<_> = changes.born.iter().map(|row| row.key).collect();
        for row in changes.lives.iter().filter(|row| !born.contains(&row.key)) {
            a.change(row);
        }
        for row in &changes.results {
            a.result_key.push(row.key.0);
            let output = row.output.as_ref().filter(|o| !is_small(o));
            a.result_output.push(output.map(|o| o.get().to_owned()));
            a.result_error.push(row.error.as_ref().map(text));
        }
        changes.events.into_iter().for_each(|event| a.happen(event));
        for (key, name, output) in changes.steps {
            a.step_task.push(key.0);
            a.step_name.push(keep(&name));
            a.step_output.push(output.get().to_owned());
        }
        for (key, line) in changes.logs {
            a.log_task.push(key.0);
            a.log_seq.push(line.seq.0);
            a.log_at.push(line.at.as_micros());
            a.log_stream.push(keep(&line.stream));
            a.log_line.push(line.text.into_bytes());
        }
        a.totals = totals(&changes.totals);
        let latest = changes.starts.iter().map(|(_, at, _)| *at).max();
        self.start_before = latest.map(|at| at.minus(START_WINDOW).as_micros());
        for (lane, at, n) in changes.starts {
            a.start_lane.push(lane.0);
            a.start_at.push(at.as_micros());
            a.start_n.push(n as i32);
        }
        for ((lane, at), n) in changes.tokens {
            self.spent.0.push(lane.0);
            self.spent.1.push(at.as_micros());
            self.spent.2.push(i64::try_from(n).unwrap_or(i64::MAX));
        }
        for row in changes.sessions {
            a.session_id.push(row.id.as_uuid());
            a.session_expires_at.push(row.expires_at.as_micros());
            a.session_body.push(session::encode(row));
        }
        a.session_gone = changes.sessions_gone.iter().map(|id| id.as_uuid()).collect();
        self.settings = changes.settings;
    }
}

impl Arrays {
    /// Adds a task that is new.
    fn bear(&mut self, row: &TaskRow) {
        let child = row.root != row.key;
        self.task_key.push(row.key.0);
        self.task_id.push(row.id.as_uuid());
        self.task_parent.push(row.parent.map(|key| key.0));
        self.task_parent_id.push(row.parent_id.map(TaskId::as_uuid));
        self.task_root.push(child.then_some(row.root.0));
        self.task_root_id.push(child.then_some(row.root_id.as_uuid()));
        self.task_step.push(row.step.as_deref().map(keep));
        self.task_place_group
            .push(row.group.as_ref().map(|group| keep(&group.name)));
        self.task_group_size
            .push(row.group.as_ref().map(|group| group.size as i32));
        self.task_idempotency_key
            .push(row.spec.idempotency_key.as_deref().map(keep));
        self.task_created_at.push(row.created_at.as_micros());
        let (body, input) = task::body(&row.spec);
        self.task_body.push(body);
        self.task_input.push(input.map(str::to_owned));
        self.task_description.push(description(&row.spec));
        self.task_labels.push(labels(&row.spec));
        self.born_key.push(row.key.0);
        self.born_state.push(state_code(row.state) as i16);
        self.born_lane.push(row.lane.0);
        self.born_rank.push(row.rank);
        self.born_queued.push(row.queued);
        self.born_session.push(row.session.map(SessionId::as_uuid));
        self.born_worker.push(row.worker.map(WorkerId::as_uuid));
        self.born_lease.push(row.lease.map(|lease| lease.0));
        self.born_attempt.push(row.attempt as i32);
        self.born_last_event.push(row.last_event.0);
        self.born_started_at.push(micros(row.started_at));
        self.born_finished_at.push(micros(row.finished_at));
        self.born_output.push(small_output(row));
        self.born_more.push(More::of(row).map(|more| text(&more)));
    }

    /// Adds a task whose place in life changed.
    fn change(&mut self, row: &TaskRow) {
        self.life_key.push(row.key.0);
        self.life_state.push(state_code(row.state) as i16);
        self.life_lane.push(row.lane.0);
        self.life_rank.push(row.rank);
        self.life_queued.push(row.queued);
        self.life_session.push(row.session.map(SessionId::as_uuid));
        self.life_worker.push(row.worker.map(WorkerId::as_uuid));
        self.life_lease.push(row.lease.map(|lease| lease.0));
        self.life_attempt.push(row.attempt as i32);
        self.life_last_event.push(row.last_event.0);
        self.life_started_at.push(micros(row.started_at));
        self.life_finished_at.push(micros(row.finished_at));
        self.life_output.push(small_output(row));
        self.life_more.push(More::of(row).map(|more| text(&more)));
    }

    /// Adds an event.
    fn happen(&mut self, event: Happening) {
        self.event_seq.push(event.seq.0);
        self.event_task.push(event.key.0);
        self.event_previous.push(event.previous.0);
        self.event_at.push(event.at.as_micros());
        self.event_kind.push(kind_code(event.kind) as i16);
        self.event_state.push(event.state.map(|state| state_code(state) as i16));
        self.event_attempt.push(event.attempt.map(|attempt| attempt as i32));
        self.event_worker.push(event.worker.map(WorkerId::as_uuid));
        self.event_more.push(event.more);
    }
}

fn small_output(row: &TaskRow) -> Option<String> {
    let small = row.output.as_ref().filter(|output| is_small(output));
    small.map(Json::get).map(str::to_owned)
}

/// A description as it is searched: in small letters, and without what PostgreSQL cannot keep.
fn description(spec: &NewTask) -> Option<String> {
    (!spec.description.is_empty()).then(|| keep(&spec.description.to_lowercase()))
}

/// A label as it is searched.
pub(crate) fn label(key: &str, value: &str) -> String {
    keep(&format!("{key}={value}"))
}

/// Labels as the text of an array.
fn labels(spec: &NewTask) -> Option<String> {
    if spec.labels.is_empty() {
        return None;
    }
    let quoted = |(key, value): (&String, &String)| {
        let label = label(key, value).replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{label}\"")
    };
    let all: Vec<String> = spec.labels.iter().map(quoted).collect();
    Some(format!("{{{}}}", all.join(",")))
}

fn totals(totals: &Totals) -> Vec<f64> {
    if totals.is_empty() {
        return Vec::new();
    }
    let Spent(input, output, cached, cost, wall) = totals.spent.unwrap_or_default();
    let states = totals.states.iter().map(|n| *n as f64);
    let spent = [input as f64, output as f64, cached as f64, cost as f64, wall];
    let Tally {
        submitted,
        succeeded,
        failed,
        cancelled,
        tokens,
        cost,
    } = totals.tally;
    let happened = [submitted, succeeded, failed, cancelled, tokens].map(|n| n as f64);
    let minute = totals.at.map_or(0, throughput::minute);
    let counted = happened.into_iter().chain([cost as f64, minute as f64]);
    states.chain(spent).chain(counted).collect()
}

/// A text as it can be kept.
pub(crate) fn keep(text: &str) -> String {
    kept(text).into_owned()
}

/// Adds a parameter.
pub(crate) fn add<'t, V>(args: &mut PgArguments, value: V)
where
    V: Encode<'t, Postgres> + Type<Postgres>,
{
    Arguments::add(args, value).expect("numbers, texts and bytes can always be bound");
}

#[cfg(test)]
mod tests {
    use orchestrator_core::{
        protocol::{EventType, Seq, Timestamp},
        store::row::Key,
    };

    use super::*;

    #[test]
    fn what_somebody_was_told_must_last() {
        let mut heartbeat = Writes::default();
        heartbeat.gather(Changes::default());
        assert!(!heartbeat.must_last());
        let granted = Happening {
            seq: Seq(7),
            key: Key(1),
            previous: Seq(3),
            at: Timestamp::from_micros(1),
            kind: EventType::TaskState,
            state: None,
            attempt: Some(1),
            worker: None,
            more: None,
        };
        let mut claim = Writes::default();
        claim.gather(Changes {
            events: vec![granted],
            ..Changes::default()
        });
        assert!(claim.must_last(), "its numbers would be given out again");
    }
}

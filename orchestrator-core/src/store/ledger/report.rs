//! Taking what workers say of their tasks.

use std::collections::{HashMap, HashSet};

use orchestrator_protocol::{
    ErrorClass, EventBody, EventType, Join, Json, LeaseId, LogLine, TaskError, TaskId, TaskState, Timestamp, Usage,
};

use super::{
    birth::{Birth, inherit},
    submit::lane_of,
    work::Work,
};
use crate::{
    domain::{
        gate::Verdict,
        retry::{self, AfterFailure},
        spec,
        state::TaskEvent,
    },
    store::{
        ChildRef, ChildSpec, Committed, ReportAck, ReportBody, ReportItem,
        error::StoreError,
        row::{GateKind, Key, Lane, LaneId, TaskRow},
        tx::Tx,
    },
};

/// Takes a batch of report items, from any number of workers, and answers each.
///
/// # Errors
///
/// The storage failed.
pub async fn report<T: Tx>(
    tx: &mut T,
    items: Vec<ReportItem>,
    now: Timestamp,
) -> Result<Committed<Vec<ReportAck>>, StoreError> {
    let mut work = Work::new(tx, now);
    let mut names = Names::load(&mut work, &items).await?;
    let mut acks = Vec::with_capacity(items.len());
    for item in items {
        acks.push(take(&mut work, &mut names, item).await?);
    }
    work.finish_one(acks).await
}

/// What the names in the items stand for already.
struct Names {
    steps: HashSet<(Key, String)>,
    children: HashMap<(Key, String), Key>,
    lanes: HashMap<Lane, LaneId>,
}

impl Names {
    /// Loads the tasks that the items are about, the tasks that they wait for, and the steps and children that they name.
    async fn load<T: Tx>(work: &mut Work<'_, T>, items: &[ReportItem]) -> Result<Self, StoreError> {
        let mut ids: Vec<TaskId> = items.iter().map(|item| item.task).collect();
        for item in items {
            match &item.body {
                ReportBody::Wait { tasks, .. } => ids.extend(tasks),
                ReportBody::Spawn(children) => {
                    ids.extend(children.iter().flat_map(|c| crate::store::row::dependencies(&c.task)));
                }
                _ => {}
            }
        }
        ids.sort_unstable();
        ids.dedup();
        work.load(&ids).await?;
        let mut wanted: Vec<(Key, String)> = Vec::new();
        for item in items {
            let Some(key) = work.key(item.task) else { continue };
            if !work.row(key).has_history {
                continue;
            }
            match &item.body {
                ReportBody::Step { name, .. } => wanted.push((key, name.clone())),
                ReportBody::Spawn(children) => wanted.extend(children.iter().map(|c| (key, c.step.clone()))),
                _ => {}
            }
        }
        let mut names = Self {
            steps: HashSet::new(),
            children: HashMap::new(),
            lanes: HashMap::new(),
        };
        if wanted.is_empty() {
            return Ok(names);
        }
        names.steps = work.tx.steps_named(&wanted).await?.into_iter().collect();
        wanted.retain(|(key, _)| work.row(*key).has_children);
        if !wanted.is_empty() {
            let rows = work.tx.children_named(&wanted).await?;
            for key in work.adopt(rows) {
                names.know(work.row(key));
            }
        }
        Ok(names)
    }

    fn know(&mut self, child: &TaskRow) {
        if let (Some(parent), Some(step)) = (child.parent, &child.step) {
            self.children.insert((parent, step.clone()), child.key);
        }
    }

    fn is_step<T: Tx>(&self, work: &Work<'_, T>, key: Key, name: &str) -> bool {
        work.has_new_step(key, name) || self.steps.contains(&(key, name.to_owned()))
    }

    fn child(&self, key: Key, name: &str) -> Option<Key> {
        self.children.get(&(key, name.to_owned())).copied()
    }
}

async fn take<T: Tx>(work: &mut Work<'_, T>, names: &mut Names, item: ReportItem) -> Result<ReportAck, StoreError> {
    let Some(key) = work.key(item.task) else {
        return Ok(ReportAck::LeaseLost);
    };
    let row = work.row(key);
    let repeated = item.number <= row.reported;
    if row.lease != Some(item.lease) {
        let was_given_back = row.last_lease == Some(item.lease) && row.lease.is_none();
        return Ok(if repeated && was_given_back {
            repeat(work, names, key, &item.body)
        } else {
            ReportAck::LeaseLost
        });
    }
    if repeated && !matches!(item.body, ReportBody::Wait { .. }) {
        return Ok(repeat(work, names, key, &item.body));
    }
    let stopping = row.cancel.is_some();
    // Under a cancelled task nothing new begins; what was done and paid for is still recorded.
    if stopping && matches!(item.body, ReportBody::Spawn(_)) {
        return Ok(refused("the task is being cancelled"));
    }
    let row = work.change(key);
    row.reported = row.reported.max(item.number);
    match item.body {
        ReportBody::Log { stream, text, at } => log(work, key, stream, text, at),
        ReportBody::Progress(progress) => advance(work, key, progress),
        ReportBody::Usage(usage) => work.spend(key, &usage, true).await?,
        ReportBody::Step { name, output } => return Ok(step(work, names, key, name, output)),
        ReportBody::Spawn(children) => return spawn(work, names, key, children).await,
        ReportBody::Wait { tasks, join, until } => return wait(work, key, &tasks, join, until),
        ReportBody::Complete { output, wall_s } if !stopping => complete(work, key, output, wall_s).await?,
        ReportBody::Fail { error, wall_s } if !stopping => fail(work, key, error, wall_s).await?,
        ReportBody::Release { reason } if !stopping => release(work, key, reason)?,
        ReportBody::Complete { wall_s, .. } | ReportBody::Fail { wall_s, .. } | ReportBody::Stopped { wall_s } => {
            stopped(work, key, wall_s).await?;
        }
        ReportBody::Release { .. } => stopped(work, key, 0.0).await?,
    }
    Ok(ReportAck::Accepted)
}

fn refused(message: impl Into<String>) -> ReportAck {
    ReportAck::Refused {
        message: message.into(),
    }
}

/// The answer to an item that has taken effect before.
fn repeat<T: Tx>(work: &Work<'_, T>, names: &Names, key: Key, body: &ReportBody) -> ReportAck {
    match body {
        ReportBody::Wait { .. } => ReportAck::Parked,
        ReportBody::Spawn(children) => {
            let found: Option<Vec<ChildRef>> = children
                .iter()
                .map(|c| names.child(key, &c.step).map(|child| child_ref(work.row(child))))
                .collect();
            found.map_or_else(|| refused("it was refused before"), ReportAck::Spawned)
        }
        _ => ReportAck::Accepted,
    }
}

fn child_ref(row: &TaskRow) -> ChildRef {
    ChildRef {
        id: row.id,
        state: row.state,
    }
}

fn log<T: Tx>(work: &mut Work<'_, T>, key: Key, stream: String, text: String, at: Timestamp) {
    let seq = work.tx.next_seqs(1);
    let body = EventBody {
        stream: Some(stream.clone()),
        text: Some(text.clone()),
        ..EventBody::default()
    };
    work.tell(key, EventType::TaskLog, Some(seq), body);
    work.add_log(key, LogLine { seq, at, stream, text });
}

fn advance<T: Tx>(work: &mut Work<'_, T>, key: Key, progress: f64) {
    let progress = if progress.is_finite() {
        progress.clamp(0.0, 1.0)
    } else {
        0.0
    };
    work.change(key).progress = Some(progress);
    work.tell(
        key,
        EventType::TaskProgress,
        None,
        EventBody {
            progress: Some(progress),
            ..EventBody::default()
        },
    );
}

fn step<T: Tx>(work: &mut Work<'_, T>, names: &Names, key: Key, name: String, output: Json) -> ReportAck {
    if let Err(message) = spec::check_name(&name) {
        return refused(format!("the step's name {message}"));
    }
    if names.child(key, &name).is_some() {
        return refused(format!(
            "`{name}` is the name of a child already; give the step another name"
        ));
    }
    if names.is_step(work, key, &name) {
        return ReportAck::Accepted;
    }
    let row = work.change(key);
    row.has_history = true;
    row.losses = 0;
    work.record(
        key,
        EventType::TaskStep,
        EventBody {
            step: Some(name.clone()),
            ..EventBody::default()
        },
    );
    work.add_step(key, name, output);
    ReportAck::Accepted
}

async fn spawn<T: Tx>(
    work: &mut Work<'_, T>,
    names: &mut Names,
    key: Key,
    children: Vec<ChildSpec>,
) -> Result<ReportAck, StoreError> {
    let mut seen = HashSet::new();
    for child in &children {
        if let Err(message) = check_child(work, names, key, child) {
            return Ok(refused(message));
        }
        if !seen.insert(child.step.as_str()) {
            return Ok(refused(format!("two children have the name `{}`", child.step)));
        }
    }
    let new = children.iter().filter(|c| names.child(key, &c.step).is_none()).count();
    let mut next = work.tx.next_keys(new).0;
    let mut places = Places::load(work, key, &children).await?;
    let mut refs = Vec::with_capacity(children.len());
    for child in children {
        let child_key = if let Some(existing) = names.child(key, &child.step) {
            if work.row(key).outlived(work.row(existing)) {
                let queued = child.group.as_ref().is_some_and(|g| !places.take(&g.name, g.size));
                work.revive(existing, queued)?;
            }
            existing
        } else {
            let spec = inherit(work.row(key), &child.task);
            let lane = lane_of(work, &mut names.lanes, &spec).await?;
            let depends_on = crate::store::row::dependencies(&spec)
                .into_iter()
                .filter_map(|id| work.key(id))
                .collect();
            let queued = child.group.as_ref().is_some_and(|g| !places.take(&g.name, g.size));
            let birth = Birth {
                key: Key(next),
                id: child.id,
                spec,
                lane,
                parent: Some(key),
                step: Some(child.step),
                group: child.group,
                queued,
                depends_on,
            };
            next += 1;
            let child_key = birth.key;
            work.bear(birth)?;
            names.know(work.row(child_key));
            child_key
        };
        refs.push(child_ref(work.row(child_key)));
    }
    Ok(ReportAck::Spawned(refs))
}

/// Why a child cannot be had, if so.
fn check_child<T: Tx>(work: &Work<'_, T>, names: &Names, key: Key, child: &ChildSpec) -> Result<(), String> {
    let name = &child.step;
    spec::check_name(name).map_err(|message| format!("the child's name {message}"))?;
    if names.is_step(work, key, name) {
        return Err(format!(
            "`{name}` is the name of a step already; give the child another name"
        ));
    }
    if let Some(existing) = names.child(key, name) {
        let first = &work.row(existing).spec;
        if first.task_type != child.task.task_type {
            return Err(format!(
                "the child `{name}` was a `{}` before and cannot be a `{}` now; give it another name",
                first.task_type, child.task.task_type
            ));
        }
        if first.input != child.task.input {
            return Err(format!(
                "the child `{name}` was asked for with another input before; give it another name"
            ));
        }
        return Ok(());
    }
    spec::check(&child.task).map_err(|f| format!("child `{name}`: {}: {}", f.field, f.message))?;
    if child.task.idempotency_key.is_some() {
        return Err(format!(
            "child `{name}`: its name is its key; leave out idempotency_key"
        ));
    }
    if child.group.as_ref().is_some_and(|g| g.size == 0) {
        return Err(format!("child `{name}`: a group has at least one place"));
    }
    for reference in &child.task.depends_on {
        match reference {
            orchestrator_protocol::TaskRef::Id(id) if work.by_id(*id).is_some() => {}
            other => return Err(format!("child `{name}`: there is no task {other} to depend on")),
        }
    }
    Ok(())
}

/// The free places of the groups that children ask for.
struct Places {
    taken: HashMap<String, usize>,
}

impl Places {
    async fn load<T: Tx>(work: &mut Work<'_, T>, key: Key, children: &[ChildSpec]) -> Result<Self, StoreError> {
        let mut wanted: Vec<(Key, String)> = children
            .iter()
            .filter_map(|c| c.group.as_ref())
            .map(|g| (key, g.name.clone()))
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut taken = HashMap::new();
        if !wanted.is_empty() && work.row(key).has_children {
            work.flush().await?;
            taken.extend(
                work.tx
                    .places_taken(&wanted)
                    .await?
                    .into_iter()
                    .map(|(_, name, count)| (name, count)),
            );
        }
        Ok(Self { taken })
    }

    fn take(&mut self, group: &str, size: u32) -> bool {
        let taken = self.taken.entry(group.to_owned()).or_default();
        if *taken >= size as usize {
            return false;
        }
        *taken += 1;
        true
    }
}

fn wait<T: Tx>(
    work: &mut Work<'_, T>,
    key: Key,
    tasks: &[TaskId],
    join: Join,
    until: Option<Timestamp>,
) -> Result<ReportAck, StoreError> {
    if work.row(key).cancel.is_some() {
        // It is to stop, not to wait: the worker hears so and reports that it has stopped.
        return Ok(refused("the task is being cancelled"));
    }
    if tasks.is_empty() && until.is_none() {
        return Ok(refused("a wait is for tasks, for a time, or for both"));
    }
    let mut targets = Vec::with_capacity(tasks.len());
    for id in tasks {
        match work.key(*id) {
            Some(target) if target == key => return Ok(refused("a task cannot wait for itself")),
            Some(target) if !targets.contains(&target) || tasks.len() > 64 => targets.push(target),
            Some(_) => {}
            None => return Ok(refused(format!("there is no task {id} to wait for"))),
        }
    }
    targets.sort_unstable();
    targets.dedup();
    let mut gate = TaskRow::children_gate(join, targets.len());
    for target in &targets {
        let state = work.row(*target).state;
        if state.is_terminal() {
            gate.settle(state == TaskState::Succeeded);
        }
    }
    let open = !targets.is_empty() && gate.verdict() == Verdict::Open;
    if open || until.is_some_and(|at| at <= work.now) {
        return Ok(ReportAck::Open);
    }
    for target in &targets {
        if !work.row(*target).state.is_terminal() {
            work.add_edge(*target, key);
            if !work.row(*target).has_waiters {
                work.change(*target).has_waiters = true;
            }
        }
    }
    give_back(work, key);
    let row = work.change(key);
    row.suspended = true;
    row.losses = 0;
    row.gate = (!targets.is_empty()).then_some(gate);
    row.gate_kind = GateKind::Children;
    row.wake_at = until;
    work.happen(key, TaskEvent::Suspended, None)?;
    Ok(ReportAck::Parked)
}

/// Takes the lease back in order.
fn give_back<T: Tx>(work: &mut Work<'_, T>, key: Key) -> Option<LeaseId> {
    let row = work.change(key);
    row.last_lease = row.lease.take();
    row.last_lease
}

async fn clocked<T: Tx>(work: &mut Work<'_, T>, key: Key, wall_s: f64) -> Result<(), StoreError> {
    if wall_s.is_finite() && wall_s > 0.0 {
        work.spend(
            key,
            &Usage {
                wall_s,
                ..Usage::default()
            },
            false,
        )
        .await?;
    }
    Ok(())
}

/// Counts how an attempt ended for the worker that made it.
fn show<T: Tx>(work: &mut Work<'_, T>, key: Key, succeeded: bool) {
    let (row, now) = (work.row(key), work.now);
    let (worker, spec) = (row.worker, row.spec.clone());
    if let Some(worker) = worker {
        work.tx.observed().ended(worker, &spec.task_type, succeeded, now);
    }
}

async fn complete<T: Tx>(work: &mut Work<'_, T>, key: Key, output: Json, wall_s: f64) -> Result<(), StoreError> {
    clocked(work, key, wall_s).await?;
    show(work, key, true);
    give_back(work, key);
    let row = work.change(key);
    row.output = Some(output);
    row.error = None;
    work.happen(key, TaskEvent::Succeeded, None)
}

async fn fail<T: Tx>(work: &mut Work<'_, T>, key: Key, error: TaskError, wall_s: f64) -> Result<(), StoreError> {
    clocked(work, key, wall_s).await?;
    // What lies with a provider or a person says nothing of the worker.
    if matches!(error.class, ErrorClass::Retryable | ErrorClass::Terminal) {
        show(work, key, false);
    }
    give_back(work, key);
    let now = work.now;
    let row = work.change(key);
    row.failures += 1;
    row.losses = 0;
    let jitter = retry::jitter(row.id.as_bytes(), row.failures);
    let after = retry::after_failure(&row.spec.retry, row.failures, &error, jitter);
    row.error = Some(error);
    match after {
        AfterFailure::Retry(backoff) => {
            row.wake_at = Some(now.plus(backoff));
            work.happen(key, TaskEvent::Backoff, None)
        }
        AfterFailure::Failed => work.happen(key, TaskEvent::Failed, None),
        AfterFailure::NeedsAttention => work.happen(key, TaskEvent::Escalated, None),
    }
}

fn release<T: Tx>(work: &mut Work<'_, T>, key: Key, reason: String) -> Result<(), StoreError> {
    give_back(work, key);
    work.happen(key, TaskEvent::Returned, Some(reason))
}

async fn stopped<T: Tx>(work: &mut Work<'_, T>, key: Key, wall_s: f64) -> Result<(), StoreError> {
    clocked(work, key, wall_s).await?;
    give_back(work, key);
    match work.change(key).cancel.take() {
        Some(reason) => work.happen(key, TaskEvent::Cancelled, Some(reason)),
        None => work.happen(key, TaskEvent::Returned, Some("its worker stopped it".to_owned())),
    }
}

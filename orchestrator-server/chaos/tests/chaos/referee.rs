//! Holds what happened against what was promised.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use orchestrator_client::{
    Client,
    api::PageQuery,
    api::{HistoryQuery, TaskQuery},
};
use orchestrator_protocol::{Event, EventType, Json, NewTask, Seq, Task, TaskId, TaskState};
use serde_json::json;
use sqlx::PgConnection;

use crate::{fault::Loss, fleet::Fleet, load::Job, time::until, viewers::Viewer, witness::Witness};

/// What a task of a dead worker may take to run elsewhere, after the lease.
const TAKEOVER: Duration = Duration::from_secs(5);

/// Everything durable that happened, in order, as the database has it.
pub struct History {
    pub events: Vec<Event>,
    /// Where those of each task are among them: an hour's history is long.
    places: BTreeMap<TaskId, Vec<usize>>,
}

impl History {
    /// Reads the histories of these trees.
    async fn read(client: &Client, roots: &[TaskId]) -> Self {
        let mut events = Vec::new();
        for root in roots {
            let mut query = HistoryQuery {
                tree: true,
                limit: Some(500),
                ..HistoryQuery::default()
            };
            loop {
                let page = client.task_events(*root, &query).await.expect("a history");
                let Some(last) = page.items.last() else { break };
                query.after = last.seq;
                events.extend(page.items);
            }
        }
        events.sort_by_key(|event| event.seq);
        let mut places: BTreeMap<TaskId, Vec<usize>> = BTreeMap::new();
        for (place, event) in events.iter().enumerate() {
            if let Some(task) = event.task_id {
                places.entry(task).or_default().push(place);
            }
        }
        Self { events, places }
    }

    fn of(&self, task: TaskId) -> impl Iterator<Item = &Event> {
        let places = self.places.get(&task).into_iter().flatten();
        places.map(|place| &self.events[*place])
    }
}

/// Everything that was promised, after faults and when all load has ended. Fails with everything that is wrong.
pub async fn judge(fleet: &Fleet, jobs: &[Job], viewers: &[Viewer], losses: &[(Loss, Duration)]) {
    let client = fleet.client();
    let mut wrong = Vec::new();
    let roots = roots(&client).await;
    wrong.extend(acknowledged(jobs, &roots));
    let history = History::read(&client, &roots).await;
    let mut tasks = 0;
    for root in &roots {
        let tree = client.tree(*root).await.expect("a tree");
        tasks += tree.tasks.len();
        for task in &tree.tasks {
            wrong.extend(outcome(&history, task));
        }
        wrong.extend(reviewed(fleet, &tree.tasks));
    }
    for job in jobs {
        for (task, program) in job.tasks.iter().zip(&job.programs) {
            if let Some(program) = program {
                let task = client.task(*task).await.expect("a task");
                wrong.extend(ran(fleet, &task, program));
            }
        }
    }
    for (loss, starved) in losses {
        wrong.extend(taken_over(&history, loss, fleet.plan.lease() + TAKEOVER + *starved));
    }
    for viewer in viewers {
        let last = history.events.last().map_or(Seq(0), |event| event.seq);
        wrong.extend(saw(&history, &viewer.up_to(last).await));
    }
    wrong.extend(leases(fleet).await);
    wrong.sort();
    wrong.dedup();
    assert!(
        wrong.is_empty(),
        "{} promises were broken:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    let taken_over = match losses.len() {
        0 => String::new(),
        lost => format!(", what {lost} lost workers ran was running elsewhere in time"),
    };
    println!(
        "of {tasks} tasks none was lost and none ended twice{taken_over}, no lease is left, and {} viewers saw each of {} \
         events once and in order",
        viewers.len(),
        history.events.len()
    );
}

/// The topmost tasks that there are.
async fn roots(client: &Client) -> Vec<TaskId> {
    let mut query = TaskQuery {
        roots_only: true,
        limit: Some(500),
        ..TaskQuery::default()
    };
    let mut roots = Vec::new();
    loop {
        let page = client.tasks(&query).await.expect("tasks");
        roots.extend(page.items.iter().map(|task| task.id));
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            return roots;
        }
    }
}

/// What was acknowledged is there, and there is nothing else: no submission was kept twice.
fn acknowledged(jobs: &[Job], roots: &[TaskId]) -> Vec<String> {
    let there: BTreeSet<TaskId> = roots.iter().copied().collect();
    let expected: BTreeSet<TaskId> = jobs.iter().flat_map(|job| job.tasks.iter().copied()).collect();
    let lost = expected
        .difference(&there)
        .map(|id| format!("task {id} was acknowledged and is not there"));
    let twice = there
        .difference(&expected)
        .map(|id| format!("task {id} is there and was never acknowledged"));
    lost.chain(twice).collect()
}

/// A task ended, once, and as it should.
fn outcome(history: &History, task: &Task) -> Vec<String> {
    let mut wrong = Vec::new();
    let name = format!(
        "task {} ({})",
        task.id,
        task.idempotency_key.as_deref().unwrap_or(&task.task_type)
    );
    if task.state != TaskState::Succeeded {
        wrong.push(format!("{name} is {}: {:?}", task.state, task.error));
    }
    let states: Vec<&Event> = history
        .of(task.id)
        .filter(|event| event.kind == EventType::TaskState)
        .collect();
    let ends: Vec<usize> = (0..states.len())
        .filter(|n| states[*n].body.state.is_some_and(TaskState::is_terminal))
        .collect();
    if ends.len() != 1 {
        wrong.push(format!("{name} ended {} times", ends.len()));
    } else if ends[0] + 1 != states.len() {
        wrong.push(format!("{name}: something happened after it had ended"));
    }
    let created = history
        .of(task.id)
        .filter(|event| event.kind == EventType::TaskCreated)
        .count();
    if created != 1 {
        wrong.push(format!("{name} was created {created} times"));
    }
    wrong
}

/// A program ran, as often as the task was started at most, and never again once its end was recorded.
fn ran(fleet: &Fleet, task: &Task, program: &str) -> Vec<String> {
    let witness = Witness::read(&fleet.witness(), program);
    let mut wrong = Vec::new();
    if witness.starts.len() > task.attempt as usize {
        let (starts, attempts) = (witness.starts.len(), task.attempt);
        wrong.push(format!("{program} was started {starts} times in {attempts} attempts"));
    }
    wrong.extend(not_again(&witness, task, program));
    wrong
}

fn not_again(witness: &Witness, task: &Task, program: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let Some(finished) = task.finished_at else {
        return wrong;
    };
    if !witness.finishes.iter().any(|at| *at <= finished) {
        wrong.push(format!("{program} is said to have finished, and did not"));
    }
    if let Some(late) = witness.starts.iter().find(|at| **at > finished) {
        wrong.push(format!(
            "{program} had finished at {finished}, and was started again at {late}"
        ));
    }
    wrong
}

/// The same of the files of a review, whose linter is the program.
fn reviewed(fleet: &Fleet, tree: &[Task]) -> Vec<String> {
    let mut wrong = Vec::new();
    for task in tree.iter().filter(|task| task.task_type == "code_review.file") {
        let root = tree.iter().find(|root| root.id == task.root_id);
        let key = root.and_then(|root| root.idempotency_key.clone()).unwrap_or_default();
        let program = format!("{key}.{}", task.description);
        wrong.extend(not_again(&Witness::read(&fleet.witness(), &program), task, &program));
    }
    wrong
}

/// What a lost worker was running ran elsewhere in time.
fn taken_over(history: &History, loss: &Loss, within: Duration) -> Vec<String> {
    let mut holders: BTreeMap<TaskId, &Event> = BTreeMap::new();
    for event in &history.events {
        if event.at <= loss.at
            && event.kind == EventType::TaskState
            && let Some(task) = event.task_id
        {
            holders.insert(task, event);
        }
    }
    let is_held =
        |event: &Event| event.body.state == Some(TaskState::Running) && event.body.worker_id == Some(loss.worker);
    let mut wrong = Vec::new();
    for (task, held) in holders.into_iter().filter(|(_, event)| is_held(event)) {
        let next = history
            .of(task)
            .find(|event| event.kind == EventType::TaskState && event.seq > held.seq);
        let Some(next) = next else {
            wrong.push(format!("task {task} was left with a dead worker"));
            continue;
        };
        if next.body.state.is_some_and(TaskState::is_terminal) || next.at.since(loss.at) < Duration::from_millis(500) {
            // It was done in the last moment.
            continue;
        }
        let runs = |event: &&Event| event.body.state == Some(TaskState::Running) && event.seq > held.seq;
        let again = history.of(task).find(runs).map(|event| event.at.since(loss.at));
        println!("task {task} of a lost worker ran elsewhere after {again:?}");
        if again.is_none_or(|again| again > within) {
            wrong.push(format!(
                "task {task} of a lost worker ran elsewhere after {again:?}, not {within:?}"
            ));
        }
    }
    wrong
}

/// A viewer saw every durable event, once and in order.
fn saw(history: &History, seen: &[Event]) -> Vec<String> {
    let mut wrong = Vec::new();
    for two in seen.windows(2) {
        if two[0].seq >= two[1].seq {
            wrong.push(format!("a viewer saw event {} and then {}", two[0].seq, two[1].seq));
        }
    }
    let seen: BTreeMap<Seq, &Event> = seen.iter().map(|event| (event.seq, event)).collect();
    for event in &history.events {
        match seen.get(&event.seq) {
            None => wrong.push(format!("a viewer missed event {} ({})", event.seq, event.kind)),
            Some(saw) if *saw != event => wrong.push(format!("a viewer saw {saw:?} instead of {event:?}")),
            Some(_) => {}
        }
    }
    let known: BTreeSet<Seq> = history.events.iter().map(|event| event.seq).collect();
    let made_up = seen.keys().filter(|seq| !known.contains(seq));
    wrong.extend(made_up.map(|seq| format!("a viewer saw event {seq}, which is nobody's")));
    wrong
}

/// No lease is left, and every session is that of a worker that is there.
async fn leases(fleet: &Fleet) -> Vec<String> {
    let mut owner = fleet.postgres.connect().await;
    let mut count =
        async |sql: &'static str| -> i64 { sqlx::query_scalar(sql).fetch_one(&mut owner).await.expect("a number") };
    let leases = count("select count(*) from orchestrator.life where state=3").await;
    let aside = count("select count(*) from orchestrator.aside").await;
    let mut wrong = Vec::new();
    if leases + aside != 0 {
        wrong.push(format!("{leases} leases and {aside} waiting tasks are left"));
    }
    // A session that lost its worker ends with its lease.
    let workers = fleet.workers.len() as i64;
    let client = fleet.client();
    until("there is one session a worker, and it runs nothing", async || {
        let idle = client.workers(&PageQuery::default()).await.ok()?.items;
        (idle.len() as i64 == workers && idle.iter().all(|worker| worker.running == 0)).then_some(())
    })
    .await;
    wrong
}

/// Every slot of every worker can be used, and as many tasks run at once as there are slots.
pub async fn use_every_slot(fleet: &Fleet) {
    fleet.all_online().await;
    let slots = fleet.plan.workers * fleet.plan.slots as usize;
    let fill = |n: usize| NewTask::new("command", Json::from(json!({"argv": ["fill", n.to_string()]})));
    let tasks: Vec<NewTask> = (0..slots).map(fill).collect();
    let client = fleet.client();
    let made = client.submit_all(&tasks).await.expect("tasks").value;
    let filled = |n: &usize| fleet.witness().join(format!("filled.{n}")).exists();
    until("every slot is filled", async || {
        (0..slots).all(|n| filled(&n)).then_some(())
    })
    .await;
    std::fs::write(fleet.witness().join("all-filled"), "").expect("a file");
    for task in made {
        let ended = client.result(task.id, Duration::from_mins(1)).await.expect("a task");
        assert_eq!(ended.state, TaskState::Succeeded, "{ended:?}");
    }
}

/// How much of the database is dead, for one who keeps an old snapshot.
pub async fn dead_rows(owner: &mut PgConnection) -> BTreeMap<String, i64> {
    let sql = "select relname::text, n_dead_tup from pg_stat_user_tables where schemaname='orchestrator'";
    let rows: Vec<(String, i64)> = sqlx::query_as(sql).fetch_all(owner).await.expect("statistics");
    rows.into_iter().collect()
}

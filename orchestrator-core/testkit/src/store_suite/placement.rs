//! Which of several workers gets a task.

use std::time::Duration;

use orchestrator_core::{
    clock::Ids,
    domain::{
        placement::Policy,
        why::{self, Background},
    },
    store::{Claim, Committed, LeasedTask, OpenSession, Renewal, ReportBody},
};
use orchestrator_protocol::{Join, Load, NewTask, Placement, SessionId, TaskId, TaskState, Usage, Usd, WorkerId};

use crate::harness::{Harness, TTL, child, task};

/// Longer than any head start by default.
const LATER: Duration = Duration::from_secs(3);

/// Opens a session of a worker with so many slots.
async fn open(h: &Harness, worker: WorkerId, slots: u32, labels: &[&str]) -> SessionId {
    let session = h.ids.session();
    let open = OpenSession {
        session,
        worker,
        name: format!("with {slots}"),
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        task_types: ["a".to_owned()].into(),
        slots,
        ttl: TTL,
        owner: None,
        now: h.now(),
    };
    h.store.open_session(open).await.expect("a session");
    session
}

async fn two(h: &Harness, slots: u32) -> (SessionId, SessionId) {
    let (first, second) = (h.ids.worker(), h.ids.worker());
    (open(h, first, slots, &[]).await, open(h, second, slots, &[]).await)
}

async fn ask(h: &Harness, session: SessionId, credit: usize) -> Committed<Vec<LeasedTask>> {
    let claim = Claim {
        session,
        credit,
        now: h.now(),
        policy: Policy::default(),
    };
    h.store.claim(claim).await.expect("a claim")
}

async fn busy(h: &Harness, session: SessionId, percent: f64) {
    let renewal = Renewal {
        session,
        load: Some(Load {
            cpu_percent: Some(percent),
            memory_percent: Some(percent),
            disk_percent: None,
        }),
        now: h.now(),
    };
    assert!(h.store.renew(renewal).await.expect("a heartbeat").alive);
}

fn ids(committed: &Committed<Vec<LeasedTask>>) -> Vec<TaskId> {
    committed.value.iter().map(|leased| leased.id).collect()
}

/// Why the last start of a task went where it did.
async fn placement(h: &Harness, id: TaskId) -> Option<Placement> {
    let events = h.events(id).await.into_iter().rev();
    let mut starts = events.filter(|event| event.body.state == Some(TaskState::Running));
    starts.next()?.body.placement.map(|placement| *placement)
}

fn wants(label: &str) -> NewTask {
    NewTask {
        prefers: vec![label.into()],
        ..task("a")
    }
}

fn within(workspace: &str) -> NewTask {
    NewTask {
        labels: [("workspace".to_owned(), workspace.to_owned())].into(),
        ..task("a")
    }
}

pub async fn a_task_is_left_for_a_better_worker_for_a_while(h: &Harness) {
    let plain = open(h, h.ids.worker(), 4, &[]).await;
    let gpu = open(h, h.ids.worker(), 4, &["gpu"]).await;
    let first = h.submit(wants("gpu")).await;
    let asked = ask(h, plain, 4).await;
    assert_eq!(ids(&asked), []);
    assert_eq!(asked.meant, [gpu], "the other one is to ask");
    assert_eq!(asked.open_at, Some(h.now().plus(Policy::default().head_start())));
    let asked = ask(h, gpu, 4).await;
    assert_eq!((ids(&asked), asked.meant, asked.open_at), (vec![first], vec![], None));
    // Nobody better comes in time: it runs where it can.
    let second = h.submit(wants("gpu")).await;
    h.clock.advance(Duration::from_secs(1));
    assert_eq!(ids(&ask(h, plain, 4).await), []);
    h.clock.advance(Duration::from_secs(1));
    assert_eq!(ids(&ask(h, plain, 4).await), [second]);
}

pub async fn nobody_waits_for_one_that_cannot_take_it(h: &Harness) {
    let plain = open(h, h.ids.worker(), 20, &[]).await;
    let gpu_worker = h.ids.worker();
    let gpu = open(h, gpu_worker, 1, &["gpu"]).await;
    let full = h.submit(wants("gpu")).await;
    let leased = h.claim_one(gpu).await;
    assert_eq!(leased.id, full);
    let next = h.submit(wants("gpu")).await;
    assert_eq!(ids(&ask(h, plain, 1).await), [next], "it is full");
    h.complete(&leased).await;
    let next = h.submit(wants("gpu")).await;
    assert_eq!(ids(&ask(h, plain, 1).await), [], "it has room again");
    busy(h, gpu, 99.0).await;
    assert_eq!(ids(&ask(h, plain, 1).await), [next], "its machine is exhausted");
    busy(h, gpu, 10.0).await;
    let next = h.submit(wants("gpu")).await;
    assert_eq!(ids(&ask(h, plain, 1).await), []);
    h.clock.advance(TTL / 2 + Duration::from_secs(1));
    h.renew(plain).await;
    assert_eq!(ids(&ask(h, plain, 1).await), [next], "its head start is over");
    let next = h.submit(wants("gpu")).await;
    assert_eq!(ids(&ask(h, plain, 1).await), [next], "it is silent");
    h.renew(gpu).await;
    let next = h.submit(wants("gpu")).await;
    assert_eq!(ids(&ask(h, plain, 1).await), []);
    h.store.drain(gpu_worker, h.now()).await.expect("a drain");
    assert_eq!(ids(&ask(h, plain, 1).await), [next], "it drains");
    let next = h.submit(wants("gpu")).await;
    h.store.close_session(gpu, h.now()).await.expect("a close");
    assert_eq!(ids(&ask(h, plain, 1).await), [next], "it is gone");
}

/// As many are left for a better worker as it has room for, and what comes after them is not held up.
pub async fn no_more_is_left_than_there_is_room_for(h: &Harness) {
    let plain = open(h, h.ids.worker(), 20, &[]).await;
    let gpu = open(h, h.ids.worker(), 3, &["gpu"]).await;
    let tasks = h.submit_all(vec![wants("gpu"); 10]).await;
    let asked = ask(h, plain, 4).await;
    assert_eq!(ids(&asked), tasks[3..7]);
    assert_eq!(asked.meant, [gpu]);
    assert_eq!(ids(&ask(h, gpu, 3).await), tasks[..3]);
    assert_eq!(ids(&ask(h, plain, 9).await), tasks[7..]);
}

pub async fn load_is_shared(h: &Harness) {
    let (first, second) = two(h, 4).await;
    h.submit_all(vec![task("a"); 6]).await;
    let mut granted = [0, 0];
    granted[0] += ask(h, first, 4).await.value.len();
    granted[1] += ask(h, second, 4).await.value.len();
    granted[0] += ask(h, first, 4 - granted[0]).await.value.len();
    assert_eq!(granted.iter().sum::<usize>(), 6, "nothing is left over");
    assert!(granted.iter().all(|n| (2..=4).contains(n)), "{granted:?}");
    h.submit(task("a")).await;
    busy(h, first, 90.0).await;
    busy(h, second, 5.0).await;
    assert_eq!(ask(h, first, 1).await.value.len(), 0, "its machine is busy");
    assert_eq!(ask(h, second, 1).await.value.len(), 1);
}

/// A room is what leases leave: whatever ends one makes it again.
pub async fn room_follows_from_leases(h: &Harness) {
    let plain = open(h, h.ids.worker(), 20, &[]).await;
    let gpu = open(h, h.ids.worker(), 1, &["gpu"]).await;
    for round in 0..4 {
        h.submit(wants("gpu")).await;
        assert_eq!(ids(&ask(h, plain, 1).await), [], "round {round}: it has room");
        let leased = h.claim_one(gpu).await;
        let next = h.submit(wants("gpu")).await;
        assert_eq!(ids(&ask(h, plain, 1).await), [next], "round {round}: it is full");
        match round {
            0 => h.complete(&leased).await,
            1 => {
                h.report(&leased, ReportBody::Release { reason: "x".into() }).await;
                h.clock.advance(LATER);
                h.renew(gpu).await;
                assert_eq!(ids(&ask(h, plain, 1).await), [leased.id]);
            }
            2 => {
                h.sleep(&leased, Duration::from_hours(1)).await;
            }
            _ => {
                h.cancel(leased.id).await;
                h.report(&leased, ReportBody::Stopped { wall_s: 0.0 }).await;
            }
        }
    }
    h.submit(wants("gpu")).await;
    assert_eq!(ids(&ask(h, plain, 1).await), [], "it has room in the end");
}

pub async fn a_task_goes_on_where_it_was(h: &Harness) {
    let (first, second) = two(h, 4).await;
    let leased = h.running(first, task("a")).await;
    let below = h.spawn(&leased, vec![child(h, "c", task("a"))]).await[0].id;
    h.wait(&leased, vec![below], Join::All).await;
    h.clock.advance(LATER);
    let part = h.claim_one(second).await;
    assert_eq!(part.id, below);
    h.complete(&part).await;
    let asked = ask(h, second, 4).await;
    assert_eq!((ids(&asked), asked.meant), (vec![], vec![first]));
    let again = h.claim_one(first).await;
    assert!(again.id == leased.id && again.resumed);
    let placement = placement(h, leased.id).await.expect("there was a choice");
    assert_eq!((placement.parts.affinity, placement.compared), (100, 2));
}

/// Tasks of one workspace go to the machine that has it; their worker is remembered by its heartbeats.
pub async fn workspaces_are_kept_together(h: &Harness) {
    let (first, second) = two(h, 4).await;
    let begun = h.running(first, within("shop")).await;
    let other = h.running(second, within("site")).await;
    let more = h.submit_all(vec![within("shop"), within("site")]).await;
    assert_eq!(ids(&ask(h, second, 1).await), [more[1]]);
    assert_eq!(ids(&ask(h, first, 1).await), [more[0]]);
    h.renew(first).await;
    h.renew(second).await;
    for session in h.store.sessions().await.expect("sessions") {
        assert_eq!(session.record.keeps("shop"), session.id == first);
        assert_eq!(session.record.keeps("site"), session.id == second);
    }
    h.complete(&begun).await;
    h.complete(&other).await;
    // In a backlog each takes its own first.
    let waiting = h.submit_all(vec![within("site"), within("shop")]).await;
    h.clock.advance(LATER);
    assert_eq!(ids(&ask(h, first, 1).await), [waiting[1]]);
    assert_eq!(
        ids(&ask(h, first, 1).await),
        [waiting[0]],
        "rather than leave it waiting"
    );
}

pub async fn who_fails_or_is_dear_comes_last(h: &Harness) {
    let (first, second) = two(h, 4).await;
    for (session, fails) in [(first, true), (second, false)] {
        for _ in 0..3 {
            let id = h.submit(task("a")).await;
            h.clock.advance(LATER);
            let leased = h.claim_one(session).await;
            assert_eq!(leased.id, id);
            let cost_usd = Usd::from_dollars(if fails { 1.0 } else { 0.1 });
            let usage = Usage {
                cost_usd,
                ..Usage::default()
            };
            h.report(&leased, ReportBody::Usage(usage)).await;
            if fails {
                let class = orchestrator_protocol::ErrorClass::Terminal;
                h.fail(&leased, orchestrator_protocol::TaskError::new(class, "no"))
                    .await;
            } else {
                h.complete(&leased).await;
            }
            h.renew(first).await;
            h.renew(second).await;
        }
    }
    let id = h.submit(task("a")).await;
    let asked = ask(h, first, 1).await;
    assert_eq!((ids(&asked), asked.meant), (vec![], vec![second]));
    assert_eq!(ids(&ask(h, second, 1).await), [id]);
    let placement = placement(h, id).await.expect("there was a choice");
    assert_eq!((placement.parts.success, placement.parts.cost), (100, 100));
    let runner_up = placement.runner_up.expect("two were compared");
    assert!(runner_up.score < placement.score, "{placement:?}");
}

pub async fn starts_say_why_there(h: &Harness) {
    let alone = h.session(&["a"]).await;
    let leased = h.running(alone, task("a")).await;
    assert_eq!(placement(h, leased.id).await, None, "there was nothing to choose");
    h.store.close_session(alone, h.now()).await.expect("a close");
    h.clock.advance(LATER);
    let best = open(h, h.ids.worker(), 4, &["gpu"]).await;
    let plain_worker = h.ids.worker();
    open(h, plain_worker, 4, &[]).await;
    let again = h.claim_one(best).await;
    assert_eq!(placement(h, again.id).await, None, "it was anyone's");
    let id = h.running(best, wants("gpu")).await.id;
    let placement = placement(h, id).await.expect("there was a choice");
    assert_eq!((placement.parts.tools, placement.compared), (100, 2));
    assert_eq!(placement.runner_up.map(|second| second.worker_id), Some(plain_worker));
}

pub async fn why_says_for_whom_it_is_left(h: &Harness) {
    open(h, h.ids.worker(), 4, &[]).await;
    open(h, h.ids.worker(), 2, &["gpu"]).await;
    let id = h.submit(wants("gpu")).await;
    let said = async || {
        let facts = h.store.facts(id, h.now()).await.expect("a read").expect("it exists");
        let reasons = why::explain_with(&facts, &Background::default(), h.now()).reasons;
        (reasons[0].code.clone(), reasons[0].message.clone())
    };
    let until = h.now().plus(Policy::default().head_start());
    let (code, message) = said().await;
    assert_eq!(code, "placement", "{message}");
    assert!(
        message.starts_with(&format!("it is left for worker `with 2` until {until}")),
        "{message}"
    );
    h.clock.advance(LATER);
    assert_eq!(said().await.0, "next");
}

//! An example of every frame, with every kind of report and of answer.

use std::sync::Arc;

use orchestrator_protocol::{
    ChildRef, ChildSpec, Code, ErrorClass, Group, History, Join, Json, LeaseId, Load, NewTask, ReportAck, ReportBody,
    ReportItem, SessionId, Settled, StepRecord, TaskError, TaskId, TaskState, Usage, Usd, WorkerId,
    frame::{
        Ack, AskHistory, AskResults, CancelTasks, Claim, Claimed, CloseSession, Credit, Done, Failure, Goodbye, Held,
        Hello, Lease, Leases, PROTOCOL_VERSION, Recalled, RenewSession, Renewed, Report, ReportItems, Reported,
        ServerFrame, SettledTasks, Stats, TaskHistory, Welcome, WorkerFrame,
    },
};
use serde::Serialize;
use serde_json::json;

const TASK: &str = "01930000-0000-7000-8000-000000000001";
const CHILD: &str = "01930000-0000-7000-8000-000000000002";
const OTHER: &str = "01930000-0000-7000-8000-000000000003";

fn task(id: &str) -> TaskId {
    id.parse().expect("an id")
}

fn session() -> SessionId {
    "01930000-0000-7000-8000-00000000000a".parse().expect("an id")
}

fn held() -> Held {
    Held {
        task_id: task(TASK),
        lease: LeaseId(42),
    }
}

fn load() -> Load {
    Load {
        cpu_percent: Some(12.5),
        memory_percent: Some(48.0),
        disk_percent: None,
    }
}

fn hello() -> Hello {
    let worker: WorkerId = "01930000-0000-7000-8000-0000000000ff".parse().expect("an id");
    Hello {
        protocol: PROTOCOL_VERSION,
        worker_id: worker,
        name: "builder-3".to_owned(),
        labels: ["os:linux", "tool:git", "memory_gb=16"].map(str::to_owned).into(),
        task_types: ["digest", "summarize"].map(str::to_owned).into(),
        input_schemas: Some([("summarize".to_owned(), summarize_schema())].into()),
        slots: 4,
        resume: None,
        inline_history: true,
    }
}

fn summarize_schema() -> Json {
    json!({
        "type": "object",
        "required": ["text"],
        "properties": {"text": {"type": "string", "title": "Text"}},
    })
    .into()
}

fn resuming() -> Hello {
    Hello {
        input_schemas: None,
        resume: Some(session()),
        inline_history: false,
        ..hello()
    }
}

fn settled() -> Settled {
    Settled {
        id: task(CHILD),
        step: Some("part-1".to_owned()),
        state: TaskState::Succeeded,
        output: Some(json!({"text": "short"}).into()),
        error: None,
        spec: Arc::new(summarize()),
    }
}

fn failed() -> Settled {
    Settled {
        id: task(OTHER),
        step: None,
        state: TaskState::Failed,
        output: None,
        error: Some(TaskError::terminal("the document is empty")),
        spec: Arc::new(summarize()),
    }
}

fn nothing() -> Settled {
    Settled {
        output: Some(Json::NULL),
        ..settled()
    }
}

fn summarize() -> NewTask {
    NewTask::new("summarize", json!({"doc": 1}).into())
}

fn history() -> History {
    History {
        steps: vec![StepRecord {
            name: "fetch".to_owned(),
            output: json!({"documents": 3}).into(),
        }],
        children: vec![settled(), failed()],
    }
}

fn leases() -> Leases {
    let mut spec = NewTask::new("digest", json!({"docs": ["a", "b"]}).into());
    spec.requires = vec!["tool:git".to_owned()];
    spec.timeout_s = Some(600.0);
    spec.depends_on = vec![task(OTHER).into()];
    let fresh = Lease {
        task_id: task(CHILD),
        lease: LeaseId(41),
        root_id: task(TASK),
        attempt: 1,
        resumed: false,
        parked: None,
        has_history: false,
        task: Arc::new(summarize()),
        history: None,
        dependencies: vec![],
    };
    let goes_on = Lease {
        task_id: task(TASK),
        lease: LeaseId(42),
        root_id: task(TASK),
        attempt: 2,
        resumed: true,
        parked: Some(LeaseId(17)),
        has_history: true,
        task: Arc::new(spec),
        history: Some(history()),
        dependencies: vec![nothing()],
    };
    Leases {
        tasks: vec![fresh, goes_on],
    }
}

fn items() -> Vec<ReportItem> {
    let at = "2026-11-23T10:00:00Z".parse().expect("a time");
    let child = ChildSpec {
        id: task(CHILD),
        step: "part-1".to_owned(),
        task: Arc::new(summarize()),
        group: Some(Group {
            name: "parts".to_owned(),
            size: 2,
        }),
    };
    let usage = Usage {
        input_tokens: 1200,
        output_tokens: 80,
        cached_tokens: 1000,
        cost_usd: Usd::from_dollars(0.0021),
        wall_s: 0.0,
    };
    let bodies = vec![
        ReportBody::Log {
            stream: "stdout".to_owned(),
            text: "3 documents".to_owned(),
            at,
        },
        ReportBody::Progress(0.25),
        ReportBody::Usage(usage),
        ReportBody::Step {
            name: "fetch".to_owned(),
            output: json!({"documents": 3}).into(),
        },
        ReportBody::Spawn(vec![child]),
        ReportBody::Wait {
            tasks: vec![task(CHILD)],
            join: Join::All,
            until: Some(at),
        },
        ReportBody::Complete {
            output: json!({"text": "shorter"}).into(),
            wall_s: 1.5,
        },
        ReportBody::Fail {
            error: TaskError::new(ErrorClass::Retryable, "the network is down"),
            wall_s: 1.5,
        },
        ReportBody::Release {
            reason: "the worker drains".to_owned(),
        },
        ReportBody::Stopped { wall_s: 1.5 },
    ];
    (1..)
        .zip(bodies)
        .map(|(number, body)| ReportItem {
            task: task(TASK),
            lease: LeaseId(42),
            number,
            body,
        })
        .collect()
}

fn acks() -> Vec<ReportAck> {
    let child = ChildRef {
        id: task(CHILD),
        state: TaskState::Ready,
    };
    vec![
        ReportAck::Accepted,
        ReportAck::Spawned(vec![child]),
        ReportAck::Parked,
        ReportAck::Open,
        ReportAck::LeaseLost,
        ReportAck::Refused {
            message: "steps: `fetch` names a child already".to_owned(),
        },
    ]
}

fn renewed() -> Renewed {
    Renewed {
        id: 2,
        alive: true,
        cancel: vec![held()],
        held: vec![held()],
        drain: false,
    }
}

/// Every frame that a worker sends.
pub fn from_workers() -> Vec<WorkerFrame> {
    vec![
        WorkerFrame::Hello(hello()),
        WorkerFrame::Hello(resuming()),
        WorkerFrame::Credit(Credit { add: 4 }),
        WorkerFrame::Report(Report { id: 1, items: items() }),
        WorkerFrame::Stats(Stats { id: 2, load: load() }),
        WorkerFrame::Drain,
        WorkerFrame::History(AskHistory {
            id: 3,
            task_id: task(TASK),
        }),
        WorkerFrame::Results(AskResults {
            id: 4,
            task_ids: vec![task(CHILD), task(OTHER)],
        }),
        WorkerFrame::Cancel(CancelTasks {
            id: 5,
            task_ids: vec![task(OTHER)],
            reason: "another candidate won".to_owned(),
        }),
        WorkerFrame::Goodbye(Goodbye { id: 6 }),
    ]
}

/// Every frame that a server sends.
pub fn from_servers() -> Vec<ServerFrame> {
    vec![
        ServerFrame::Welcome(welcome()),
        ServerFrame::Lease(leases()),
        ServerFrame::Ack(Ack { id: 1, acks: acks() }),
        ServerFrame::Renewed(renewed()),
        ServerFrame::History(TaskHistory {
            id: 3,
            history: history(),
        }),
        ServerFrame::Settled(SettledTasks {
            id: 4,
            tasks: vec![settled(), failed()],
        }),
        ServerFrame::Done(Done { id: 5 }),
        ServerFrame::Cancel(Recalled { tasks: vec![held()] }),
        ServerFrame::Drain,
        ServerFrame::Error(Failure {
            id: Some(4),
            code: Code::Unavailable,
            message: "the store is unavailable: connection refused".to_owned(),
        }),
    ]
}

fn welcome() -> Welcome {
    Welcome {
        protocol: PROTOCOL_VERSION,
        session: session(),
        resumed: false,
        heartbeat_s: 5.0,
        lease_s: 15.0,
        max_frame_bytes: 33_554_432,
    }
}

/// Every example of the document, by name.
pub fn all() -> Vec<(&'static str, String)> {
    let [
        say_hello,
        resume,
        credit,
        report,
        stats,
        drain,
        ask,
        results,
        cancel,
        goodbye,
    ] = <[WorkerFrame; 10]>::try_from(from_workers()).expect("ten frames");
    let [
        welcome_,
        lease,
        ack,
        renewed_,
        history,
        settled,
        done,
        recalled,
        drained,
        error,
    ] = <[ServerFrame; 10]>::try_from(from_servers()).expect("ten frames");
    let claim = Claim {
        session: session(),
        credit: 4,
        wait_s: 20.0,
        inline_history: true,
    };
    let claimed = Claimed {
        tasks: leases().tasks,
        cancel: vec![],
        drain: false,
    };
    vec![
        ("hello", pretty(&say_hello)),
        ("hello, resuming", pretty(&resume)),
        ("credit", pretty(&credit)),
        ("report", pretty(&report)),
        ("stats", pretty(&stats)),
        ("drain", pretty(&drain)),
        ("history, asked", pretty(&ask)),
        ("results", pretty(&results)),
        ("cancel, asked", pretty(&cancel)),
        ("goodbye", pretty(&goodbye)),
        ("welcome", pretty(&welcome_)),
        ("lease", pretty(&lease)),
        ("ack", pretty(&ack)),
        ("renewed", pretty(&renewed_)),
        ("history", pretty(&history)),
        ("settled", pretty(&settled)),
        ("done", pretty(&done)),
        ("cancel", pretty(&recalled)),
        ("drain, told", pretty(&drained)),
        ("error", pretty(&error)),
        ("poll: sessions", pretty(&hello())),
        ("poll: sessions, answer", pretty(&welcome())),
        ("poll: claim", pretty(&claim)),
        ("poll: claim, answer", pretty(&claimed)),
        (
            "poll: report",
            pretty(&ReportItems {
                items: items().into_iter().take(2).collect(),
            }),
        ),
        ("poll: report, answer", pretty(&Reported { acks: acks() })),
        (
            "poll: renew",
            pretty(&RenewSession {
                session: session(),
                load: load(),
            }),
        ),
        ("poll: renew, answer", pretty(&renewed())),
        ("poll: close", pretty(&CloseSession { session: session() })),
    ]
}

fn pretty<T: Serialize>(value: &T) -> String {
    serde_json::to_string_pretty(&serde_json::to_value(value).expect("JSON")).expect("JSON")
}

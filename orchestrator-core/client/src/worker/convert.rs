//! Between the words of the protocol and those of the core.

use std::time::Duration;

use orchestrator_core::{
    store::{self, LeasedTask, StoreError},
    worker::source,
};
use orchestrator_protocol::{
    Code, LeaseId, SessionId, TaskId,
    frame::{self, Held, Lease, PROTOCOL_VERSION},
};

/// Who this worker is.
pub(super) fn hello(hello: source::Hello, resume: Option<SessionId>) -> frame::Hello {
    frame::Hello {
        protocol: PROTOCOL_VERSION,
        worker_id: hello.worker,
        name: hello.name,
        labels: hello.labels,
        task_types: hello.task_types,
        input_schemas: hello.input_schemas,
        slots: hello.slots,
        resume,
        // Most tasks that go on are kept suspended here.
        inline_history: false,
    }
}

/// The session that this worker got.
pub(super) fn welcome(welcome: &frame::Welcome) -> source::Welcome {
    source::Welcome {
        session: welcome.session,
        ttl: seconds(welcome.lease_s),
    }
}

/// A number of seconds that a server said; 15 where it makes no sense.
pub(super) fn seconds(seconds: f64) -> Duration {
    let said = Duration::try_from_secs_f64(seconds).ok();
    said.filter(|said| !said.is_zero()).unwrap_or(Duration::from_secs(15))
}

/// A task that was granted.
pub(super) fn leased(lease: Lease) -> LeasedTask {
    LeasedTask {
        id: lease.task_id,
        lease: lease.lease,
        spec: lease.task,
        root_id: lease.root_id,
        attempt: lease.attempt,
        resumed: lease.resumed,
        parked: lease.parked,
        has_history: lease.has_history,
    }
}

/// The answer to a heartbeat.
pub(super) fn renewed(renewed: frame::Renewed) -> store::Renewed {
    store::Renewed {
        worker: None,
        slots: 0,
        alive: renewed.alive,
        drain: renewed.drain,
        cancel: held(renewed.cancel),
        held: held(renewed.held),
    }
}

fn held(tasks: Vec<Held>) -> Vec<(TaskId, LeaseId)> {
    tasks.into_iter().map(|held| (held.task_id, held.lease)).collect()
}

/// Why the server refused, as if the store were here.
pub(super) fn refused(code: Code, message: String, session: Option<SessionId>) -> StoreError {
    match (code, session) {
        (Code::LeaseLost, Some(session)) => StoreError::SessionLost(session),
        (Code::Unavailable | Code::Internal | Code::RateLimited, _) => StoreError::Unavailable(message),
        (Code::Unauthorized | Code::Forbidden, _) => StoreError::Unusable(message),
        _ => match message.split_once(": ") {
            Some((field, message)) => StoreError::invalid(field, message),
            None => StoreError::invalid("request", message),
        },
    }
}

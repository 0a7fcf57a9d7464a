//! Between the words of the protocol and those of the core.

use orchestrator_core::{
    store::{self, LeasedTask, StoreError},
    worker::source,
};
use orchestrator_protocol::{
    LeaseId, TaskId,
    frame::{Failure, Held, Hello, Lease, Renewed},
};

/// Who a worker is.
pub fn hello(hello: Hello) -> source::Hello {
    source::Hello {
        worker: hello.worker_id,
        name: hello.name,
        labels: hello.labels,
        task_types: hello.task_types,
        input_schemas: hello.input_schemas,
        slots: hello.slots,
        // It is not on this machine, as far as anyone knows.
        owner: None,
    }
}

/// A task that was granted, without its history.
pub fn lease(task: LeasedTask) -> Lease {
    Lease {
        task_id: task.id,
        lease: task.lease,
        root_id: task.root_id,
        attempt: task.attempt,
        resumed: task.resumed,
        parked: task.parked,
        has_history: task.has_history,
        task: task.spec,
        history: None,
        dependencies: Vec::new(),
    }
}

/// The answer to a heartbeat.
pub fn renewed(id: u64, renewed: store::Renewed) -> Renewed {
    Renewed {
        id,
        alive: renewed.alive,
        cancel: held(renewed.cancel),
        held: held(renewed.held),
        drain: renewed.drain,
    }
}

/// Tasks with their leases.
pub fn held(tasks: Vec<(TaskId, LeaseId)>) -> Vec<Held> {
    let held = |(task_id, lease)| Held { task_id, lease };
    tasks.into_iter().map(held).collect()
}

/// Why a request failed.
pub fn failure(id: u64, error: &StoreError) -> Failure {
    Failure {
        id: Some(id),
        code: error.code(),
        message: error.to_string(),
    }
}

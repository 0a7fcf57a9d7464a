//! A worker's session as JSON.

use std::{collections::BTreeSet, sync::Arc};

use orchestrator_protocol::{Load, SessionId, Timestamp, WorkerId};
use serde::{Deserialize, Serialize};

use super::{parse, text};
use crate::{
    domain::placement::record::Record,
    store::{error::StoreError, row::SessionRow, session::Owner},
};

#[derive(Serialize, Deserialize)]
struct Body {
    worker: WorkerId,
    name: String,
    labels: BTreeSet<String>,
    task_types: BTreeSet<String>,
    slots: u32,
    ttl_us: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<Owner>,
    seen_at: i64,
    load: Load,
    #[serde(default, skip_serializing_if = "Record::is_empty")]
    record: Record,
    draining: bool,
}

/// What a session says of itself.
pub fn encode(row: &SessionRow) -> String {
    text(&Body {
        worker: row.worker,
        name: row.name.clone(),
        labels: row.labels.clone(),
        task_types: row.task_types.clone(),
        slots: row.slots,
        ttl_us: row.ttl_us,
        owner: row.owner.clone(),
        seen_at: row.seen_at.as_micros(),
        load: row.load,
        record: Record::clone(&row.record),
        draining: row.draining,
    })
}

/// The session again.
///
/// # Errors
///
/// It is damaged.
pub fn decode(id: SessionId, expires_at: i64, body: &str) -> Result<SessionRow, StoreError> {
    let body: Body = parse("session", body)?;
    Ok(SessionRow {
        id,
        worker: body.worker,
        name: body.name,
        labels: body.labels,
        task_types: body.task_types,
        slots: body.slots,
        ttl_us: body.ttl_us,
        owner: body.owner,
        seen_at: Timestamp::from_micros(body.seen_at),
        load: body.load,
        record: Arc::new(body.record),
        draining: body.draining,
        expires_at: Timestamp::from_micros(expires_at),
    })
}

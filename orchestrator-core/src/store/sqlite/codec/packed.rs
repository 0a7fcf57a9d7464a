//! Many tasks as one text: a row costs more on its way through the driver than what is in it.

use orchestrator_protocol::TaskState;
use uuid::Uuid;

use crate::store::{
    error::StoreError,
    row::{Key, TaskRow},
    writer::codec::{damaged, state_code, task::Columns},
};

/// What parts tasks. Like [`FIELD`] it is neither in a number nor in JSON as it is written.
const TASK: char = '\u{1e}';

/// What parts the fields of a task.
const FIELD: char = '\u{1f}';

/// The query for tasks of keys, a JSON array. Of those that are ready and as they were born, all is said; of others the
/// key, and they are to be read as rows.
pub(in crate::store::sqlite) const SELECT: &str = "select group_concat(case when l.state=2 and l.attempt=0 \
    and not l.queued and l.more is null and t.parent is null and t.input is null and octet_length(t.body)<4096 \
    and not exists (select 1 from result r where r.key=t.key) \
    then concat(t.key,char(31),hex(t.id),char(31),t.created_at,char(31),l.lane,char(31),l.rank,char(31),l.last_event,\
    char(31),t.body) else t.key end,char(30)) \
    from task t join life l on l.key=t.key where t.key in (select value from json_each(?))";

/// Tasks, and the keys of those that are to be read as rows.
pub(in crate::store::sqlite) fn decode(packed: &str) -> Result<(Vec<TaskRow>, Vec<Key>), StoreError> {
    let (mut tasks, mut others) = (Vec::new(), Vec::new());
    for fields in packed.split(TASK) {
        match fields.split_once(FIELD) {
            Some((key, rest)) => tasks.push(task(number(key)?, rest)?),
            None => others.push(Key(number(fields)?)),
        }
    }
    Ok((tasks, others))
}

fn task(key: i64, fields: &str) -> Result<TaskRow, StoreError> {
    let mut fields = fields.splitn(6, FIELD);
    let mut next = || fields.next().ok_or_else(|| damaged("task", "it is cut off"));
    let columns = Columns {
        key,
        id: Uuid::try_parse(next()?).map_err(|e| damaged("id", e))?,
        family: None,
        created_at: number(next()?)?,
        state: state_code(TaskState::Ready),
        lane: number(next()?)?,
        rank: number(next()?)?,
        queued: false,
        session: None,
        worker: None,
        lease: None,
        attempt: 0,
        last_event: number(next()?)?,
        started_at: None,
        finished_at: None,
        body: next()?,
        input: None,
        output: None,
        error: None,
        more: None,
    };
    columns.decode()
}

/// A number.
pub(in crate::store::sqlite) fn number(text: &str) -> Result<i64, StoreError> {
    text.parse().map_err(|e| damaged("number", e))
}

//! Pages of tasks.

use std::fmt::Write;

use orchestrator_core::store::{ListQuery, StoreError, row::TaskRow, writer::codec::state_code};
use orchestrator_protocol::{Page, Task, TaskState};
use sqlx::postgres::PgArguments;
use uuid::Uuid;

use super::Reader;
use crate::writes::{add, keep, label};

/// A parameter of the query.
enum Value {
    Int(i64),
    Text(String),
    Id(Uuid),
    States(Vec<i16>),
}

/// A query that grows a condition at a time; `?` stands for the next parameter.
#[derive(Default)]
struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    fn add(&mut self, sql: &str, values: impl IntoIterator<Item = Value>) {
        self.sql.push_str(if self.sql.is_empty() { "where " } else { " and " });
        let mut values = values.into_iter();
        for (at, part) in sql.split('?').enumerate() {
            if at > 0 {
                self.values.extend(values.next());
                write!(self.sql, "${}", self.values.len()).expect("a String takes everything");
            }
            self.sql.push_str(part);
        }
    }

    fn of(query: &ListQuery) -> Self {
        let mut all = Self::default();
        let states = || Value::States(query.states.iter().map(|state| state_code(*state) as i16).collect());
        if query.states.contains(&TaskState::Succeeded) {
            all.add("l.state=any(?)", [states()]);
        } else if !query.states.is_empty() {
            // Among many that have succeeded these are found without looking at each.
            let mut sql = "l.key in (select key from aside where state=any(?)".to_owned();
            if query.states.contains(&TaskState::Ready) {
                sql.push_str(" union all select key from life where state=2");
            }
            if query.states.contains(&TaskState::Running) {
                sql.push_str(" union all select key from life where state=3");
            }
            all.add(&(sql + ")"), [states()]);
        }
        if let Some(task_type) = &query.task_type {
            let sql = "l.lane in (select id from lane where task_type=?)";
            all.add(sql, [Value::Text(keep(task_type))]);
        }
        if let Some(root) = query.root_id {
            let sql = "t.key in (select key from task where id=? and root is null union all \
                       select c.key from task r join task c on c.root=r.key where r.id=?)";
            all.add(sql, [Value::Id(root.as_uuid()), Value::Id(root.as_uuid())]);
        }
        if let Some(parent) = query.parent_id {
            let sql = "t.parent=(select key from task where id=?)";
            all.add(sql, [Value::Id(parent.as_uuid())]);
        }
        if let Some(worker) = query.worker_id {
            all.add("l.worker=?", [Value::Id(worker.as_uuid())]);
        }
        if let Some((key, value)) = &query.label {
            all.add("t.labels @> array[?]", [Value::Text(label(key, value))]);
        }
        if let Some(part) = &query.text {
            let part = keep(&part.to_lowercase());
            all.add("strpos(t.description,?)>0", [Value::Text(part)]);
        }
        if query.roots_only {
            all.add("t.parent is null", []);
        }
        all
    }

    fn bind(&self, args: &mut PgArguments) {
        for value in &self.values {
            match value {
                Value::Int(n) => add(args, *n),
                Value::Text(text) => add(args, text.clone()),
                Value::Id(id) => add(args, *id),
                Value::States(states) => add(args, states.clone()),
            }
        }
    }
}

impl Reader {
    pub(crate) async fn list(&self, query: &ListQuery) -> Result<Page<Task>, StoreError> {
        let size = query.page_size()?;
        let mut before = query.before()?;
        let mut found: Vec<TaskRow> = Vec::with_capacity(size + 1);
        loop {
            let mut page = Conditions::of(query);
            if let Some(before) = before {
                page.add("l.key<?", [Value::Int(before.0)]);
            }
            let wanted = size + 1 - found.len();
            page.values.push(Value::Int(wanted as i64));
            // The keys first: what is filtered and sorted is then narrow.
            let condition = format!(
                "where t.key in (select l.key from life l join task t on t.key=l.key {} order by l.key desc limit ${}) \
                 order by t.key desc",
                page.sql,
                page.values.len()
            );
            let rows = self.tasks(&condition, |args| page.bind(args)).await?;
            let is_last = rows.len() < wanted;
            before = rows.last().map(|row| row.key);
            found.extend(rows.into_iter().filter(|row| query.matches(row)));
            if is_last || found.len() > size {
                break;
            }
        }
        let has_more = found.len() > size;
        found.truncate(size);
        let next_cursor = found.last().filter(|_| has_more).map(|row| row.key.0.to_string());
        Ok(Page {
            items: found.iter().map(TaskRow::to_task).collect(),
            next_cursor,
        })
    }
}

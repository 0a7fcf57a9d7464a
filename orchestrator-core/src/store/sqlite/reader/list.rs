//! Pages of tasks.

use orchestrator_protocol::{Page, Task, TaskState};

use super::{Reader, is_state};
use crate::store::{
    ListQuery,
    error::StoreError,
    row::TaskRow,
    sqlite::sql::{Args, numbers},
};

/// A parameter of the query.
enum Value {
    Int(i64),
    Text(String),
    Id([u8; 16]),
}

/// A query that grows a condition at a time.
#[derive(Default)]
struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    fn add(&mut self, sql: &str, values: impl IntoIterator<Item = Value>) {
        self.sql.push_str(if self.sql.is_empty() { "where " } else { " and " });
        self.sql.push_str(sql);
        self.values.extend(values);
    }

    fn of(query: &ListQuery) -> Self {
        let mut all = Self::default();
        if query.states.contains(&TaskState::Succeeded) {
            let states = numbers(query.states.iter().map(|state| is_state(*state)));
            all.add("l.state in (select value from json_each(?))", [Value::Text(states)]);
        } else if !query.states.is_empty() {
            // Among many that have succeeded these are found without looking at each.
            let states = numbers(query.states.iter().map(|state| is_state(*state)));
            let mut sql = "l.key in (select key from aside where state in (select value from json_each(?))".to_owned();
            if query.states.contains(&TaskState::Ready) {
                sql.push_str(" union all select key from ready");
            }
            if query.states.contains(&TaskState::Running) {
                sql.push_str(" union all select key from running");
            }
            all.add(&(sql + ")"), [Value::Text(states)]);
        }
        if let Some(task_type) = &query.task_type {
            let sql = "l.lane in (select id from lane where task_type=?)";
            all.add(sql, [Value::Text(task_type.clone())]);
        }
        if let Some(root) = query.root_id {
            let sql = "t.key in (select key from task where id=? and root is null union all \
                       select c.key from task r join task c on c.root=r.key where r.id=?)";
            all.add(sql, [Value::Id(*root.as_bytes()), Value::Id(*root.as_bytes())]);
        }
        if let Some(parent) = query.parent_id {
            let sql = "t.parent=(select key from task where id=?)";
            all.add(sql, [Value::Id(*parent.as_bytes())]);
        }
        if let Some(worker) = query.worker_id {
            all.add("l.worker=?", [Value::Id(*worker.as_bytes())]);
        }
        if let Some((key, value)) = &query.label {
            let sql = "exists (select 1 from json_each(t.body,'$.labels') where key=? and value=?)";
            all.add(sql, [Value::Text(key.clone()), Value::Text(value.clone())]);
        }
        // SQLite folds the case of ASCII only; other texts are looked for by the program.
        if let Some(part) = query.text.as_ref().filter(|part| part.is_ascii()) {
            let sql = "instr(lower(t.body->>'description'),lower(?))>0";
            all.add(sql, [Value::Text(part.clone())]);
        }
        if query.roots_only {
            all.add("t.parent is null", []);
        }
        all
    }

    fn bind(&self, args: &mut Args) {
        for value in &self.values {
            match value {
                Value::Int(n) => args.int(*n),
                Value::Text(text) => args.text(text.as_str()),
                Value::Id(id) => args.id(id),
            }
        }
    }
}

impl Reader {
    pub(in crate::store::sqlite) async fn list(&self, query: &ListQuery) -> Result<Page<Task>, StoreError> {
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
                "where t.key in (select l.key from life l join task t on t.key=l.key {} order by l.key desc limit ?) \
                 order by t.key desc",
                page.sql
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

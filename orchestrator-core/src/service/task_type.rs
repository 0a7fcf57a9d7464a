//! The types of tasks that workers run, and what their inputs look like.

use std::collections::{BTreeMap, BTreeSet};

use orchestrator_protocol::{Json, TaskType, Timestamp, Worker, WorkerState};

use super::Engine;
use crate::store::{AnnouncedType, StoreError};

impl Engine {
    /// Every type of tasks that a worker with a session offers or that one has announced, by name.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn task_types(&self) -> Result<Vec<TaskType>, StoreError> {
        let workers = self.workers().await?;
        Ok(known(self.store.task_types(None).await?, &workers))
    }

    /// Keeps what a worker says of the types that it runs, where that is news: the latest announcement counts. Types
    /// without a schema have none from then on.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn announce_types(
        &self,
        task_types: &BTreeSet<String>,
        schemas: &BTreeMap<String, Json>,
    ) -> Result<(), StoreError> {
        let names = task_types.iter().cloned().collect();
        let known = self.store.task_types(Some(names)).await?;
        let news = news(&known, task_types, schemas, self.now());
        if news.is_empty() {
            return Ok(());
        }
        self.store.put_task_types(news).await
    }
}

/// What is said now and was not said before.
fn news(
    known: &[AnnouncedType],
    task_types: &BTreeSet<String>,
    schemas: &BTreeMap<String, Json>,
    now: Timestamp,
) -> Vec<AnnouncedType> {
    let known: BTreeMap<&str, &AnnouncedType> = known.iter().map(|known| (known.name.as_str(), known)).collect();
    let said = task_types.iter().map(|name| AnnouncedType {
        name: name.clone(),
        input_schema: schemas.get(name).cloned(),
        announced_at: now,
    });
    let is_news = |said: &AnnouncedType| {
        let before = known.get(said.name.as_str());
        before.is_none_or(|before| before.input_schema != said.input_schema)
    };
    said.filter(is_news).collect()
}

/// What was announced and what is offered, together.
fn known(announced: Vec<AnnouncedType>, workers: &[Worker]) -> Vec<TaskType> {
    let mut types: BTreeMap<String, TaskType> = BTreeMap::new();
    let unknown = |name: &str| TaskType {
        name: name.to_owned(),
        input_schema: None,
        online: 0,
    };
    for AnnouncedType { name, input_schema, .. } in announced {
        let entry = types.entry(name).or_insert_with_key(|name| unknown(name));
        entry.input_schema = input_schema;
    }
    for worker in workers {
        for name in &worker.task_types {
            let entry = types.entry(name.clone()).or_insert_with_key(|name| unknown(name));
            entry.online += u32::from(worker.state == WorkerState::Online);
        }
    }
    types.into_values().collect()
}

#[cfg(test)]
mod tests {
    use orchestrator_protocol::WorkerId;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().copied().map(str::to_owned).collect()
    }

    fn announced(name: &str, schema: Option<Json>) -> AnnouncedType {
        AnnouncedType {
            name: name.to_owned(),
            input_schema: schema,
            announced_at: Timestamp::from_micros(1),
        }
    }

    fn schema(title: &str) -> Json {
        json!({"type": "object", "title": title}).into()
    }

    #[test]
    fn only_what_differs_is_news() {
        let known = [
            announced("changed", Some(schema("old"))),
            announced("gone", Some(schema("old"))),
            announced("plain", None),
            announced("same", Some(schema("same"))),
        ];
        let respelled = Json::parse(r#"{ "title": "same", "type": "object" }"#).expect("JSON");
        let schemas = BTreeMap::from([
            ("changed".to_owned(), schema("new")),
            ("fresh".to_owned(), schema("fresh")),
            ("same".to_owned(), respelled),
        ]);
        let said = names(&["changed", "fresh", "gone", "plain", "same", "unheard"]);
        let news = news(&known, &said, &schemas, Timestamp::from_micros(2));
        let seen: Vec<_> = news.iter().map(|n| (n.name.as_str(), n.input_schema.clone())).collect();
        assert_eq!(
            seen,
            [
                ("changed", Some(schema("new"))),
                ("fresh", Some(schema("fresh"))),
                ("gone", None),
                ("unheard", None)
            ]
        );
        assert!(news.iter().all(|n| n.announced_at == Timestamp::from_micros(2)));
    }

    #[test]
    fn who_takes_no_tasks_offers_none() {
        let worker = |state, types: &[&str]| Worker {
            id: WorkerId::from_uuid(Uuid::from_u128(1)),
            name: "w".to_owned(),
            state,
            labels: BTreeSet::new(),
            task_types: names(types),
            slots: 1,
            running: 0,
            cpu_percent: None,
            memory_percent: None,
            disk_percent: None,
            last_seen_at: Timestamp::from_micros(0),
        };
        let workers = [
            worker(WorkerState::Online, &["a", "b"]),
            worker(WorkerState::Online, &["a"]),
            worker(WorkerState::Draining, &["a", "c"]),
            worker(WorkerState::Offline, &["d"]),
        ];
        let types = known(
            vec![announced("a", Some(schema("a"))), announced("old", Some(schema("old")))],
            &workers,
        );
        let seen: Vec<_> = types
            .iter()
            .map(|t| (t.name.as_str(), t.input_schema.is_some(), t.online))
            .collect();
        assert_eq!(
            seen,
            [
                ("a", true, 2),
                ("b", false, 1),
                ("c", false, 0),
                ("d", false, 0),
                ("old", true, 0)
            ]
        );
    }
}

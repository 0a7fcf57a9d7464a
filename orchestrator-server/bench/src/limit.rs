//! The limit on PostgreSQL: the least work by which a durable queue can be written by hand, through the same library.
//!
//! What it keeps of the contract: a job is on the disk before it counts as submitted; a claim takes the first jobs by
//! (priority, id) and is recorded, so that another process would not take them again; an outcome is recorded once. What
//! it leaves out is what the orchestrator is for: states, leases that end, events, dependencies, history.
//!
//! There are several ways, and which is best depends on the machine; so all of them take part, and the best counts.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use orchestrator_bench::job::{OUTPUT, body};
use sqlx::{Connection, Executor, PgConnection, Row, postgres::PgListener};

use crate::queue::{Opening, Queue};

/// How outcomes are recorded, and how many jobs are claimed at once by how many connections.
#[derive(Clone, Copy)]
pub struct Way {
    pub name: &'static str,
    complete: Complete,
    pub claim: i64,
    connections: usize,
}

/// What becomes of a job that was run.
#[derive(Clone, Copy)]
enum Complete {
    /// Its row says so, with the output.
    Update,
    /// Its row is gone.
    Delete,
    /// Its row says so, in the statement that claims the next ones.
    Fused,
}

/// All of them; the first is what a beginner writes.
pub const WAYS: &[Way] = &[
    Way {
        name: "limit: update, claims of 1 by 16",
        complete: Complete::Update,
        claim: 1,
        connections: 16,
    },
    Way {
        name: "limit: update, claims of 100 by 4",
        complete: Complete::Update,
        claim: 100,
        connections: 4,
    },
    Way {
        name: "limit: update, claims of 500 by 2",
        complete: Complete::Update,
        claim: 500,
        connections: 2,
    },
    Way {
        name: "limit: update, claims of 1000 by 1",
        complete: Complete::Update,
        claim: 1000,
        connections: 1,
    },
    Way {
        name: "limit: fused, claims of 1000 by 2",
        complete: Complete::Fused,
        claim: 1000,
        connections: 2,
    },
    Way {
        name: "limit: delete, claims of 500 by 2",
        complete: Complete::Delete,
        claim: 500,
        connections: 2,
    },
    Way {
        name: "limit: delete, claims of 1000 by 2",
        complete: Complete::Delete,
        claim: 1000,
        connections: 2,
    },
];

const TABLE: &str = "create table job (id bigint generated always as identity primary key, state smallint not null \
    default 0, priority smallint not null default 5, attempts smallint not null default 0, claimed_at timestamptz, \
    finished_at timestamptz, body text not null, output text) with (autovacuum_vacuum_scale_factor = 0.05); \
    create index job_ready on job (priority, id) where state = 0";

/// The inner query is materialised: as a plain one it may be run for each outer row.
const CLAIM: &str = "with c as materialized (select id from job where state = 0 order by priority, id limit $1 for update \
    skip locked) update job j set state = 1, attempts = attempts + 1, claimed_at = now() from c where j.id = c.id \
    returning j.id, j.body";

const UPDATE: &str = "update job set state = 2, finished_at = now(), output = v.output \
    from unnest($1::bigint[], $2::text[]) as v (id, output) where job.id = v.id";

const DELETE: &str = "delete from job where id = any ($1::bigint[])";

/// Outcomes first: a claim that comes first would lock rows which another connection has claimed meanwhile.
const FUSED: &str = "with d as (update job set state = 2, finished_at = now(), output = v.output \
    from unnest($2::bigint[], $3::text[]) as v (id, output) where job.id = v.id returning 1), \
    c as materialized (select id from job where state = 0 and (select count(*) from d) >= 0 order by priority, id \
    limit $1 for update skip locked) update job j set state = 1, attempts = attempts + 1, claimed_at = now() from c \
    where j.id = c.id returning j.id, j.body";

const INSERT_ONE: &str = "insert into job (body) values ($1)";

const INSERT: &str = "insert into job (body) select * from unnest($1::text[])";

/// Jobs in one call.
const BATCH: usize = 1000;

struct PostgresLimit {
    url: String,
    way: Way,
}

/// Opens one of the ways.
pub fn open(url: &str, way: Way) -> Opening<'_> {
    Box::pin(async move {
        let mut conn = PgConnection::connect(url).await?;
        conn.execute(TABLE).await?;
        Ok(Box::new(PostgresLimit {
            url: url.to_owned(),
            way,
        }) as Box<dyn Queue>)
    })
}

impl PostgresLimit {
    async fn connections(&self, n: usize) -> anyhow::Result<Vec<PgConnection>> {
        let mut connections = Vec::with_capacity(n);
        for _ in 0..n {
            connections.push(PgConnection::connect(&self.url).await?);
        }
        Ok(connections)
    }

    /// One connection of several that drain.
    async fn work(&self, conn: &mut PgConnection, done: &AtomicUsize) -> anyhow::Result<()> {
        let mut ids: Vec<i64> = Vec::new();
        loop {
            let outputs = vec![OUTPUT; ids.len()];
            let claim = if let Complete::Fused = self.way.complete {
                sqlx::query(FUSED).bind(self.way.claim).bind(&ids).bind(outputs)
            } else {
                sqlx::query(CLAIM).bind(self.way.claim)
            };
            let rows = claim.fetch_all(&mut *conn).await?;
            if let Complete::Fused = self.way.complete {
                done.fetch_add(ids.len(), Ordering::Relaxed);
            }
            if rows.is_empty() {
                return Ok(());
            }
            ids = rows.iter().map(|row| row.get_unchecked(0)).collect();
            // Here the handlers would run.
            let bodies: usize = rows.iter().map(|row| row.get_unchecked::<&str, _>(1).len()).sum();
            anyhow::ensure!(bodies >= 200 * ids.len(), "a body is missing");
            let outputs = vec![OUTPUT; ids.len()];
            match self.way.complete {
                Complete::Fused => continue,
                Complete::Update => sqlx::query(UPDATE).bind(&ids).bind(outputs),
                Complete::Delete => sqlx::query(DELETE).bind(&ids),
            }
            .execute(&mut *conn)
            .await?;
            done.fetch_add(ids.len(), Ordering::Relaxed);
        }
    }
}

#[async_trait]
impl Queue for PostgresLimit {
    async fn submit_singly(&mut self, jobs: usize, producers: usize) -> anyhow::Result<Duration> {
        let mut connections = self.connections(producers).await?;
        let started = Instant::now();
        let producers = connections.iter_mut().enumerate().map(|(which, conn)| async move {
            for number in (which..jobs).step_by(producers) {
                sqlx::query(INSERT_ONE).bind(body(number)).execute(&mut *conn).await?;
            }
            anyhow::Ok(())
        });
        futures::future::try_join_all(producers).await?;
        Ok(started.elapsed())
    }

    async fn submit_in_batches(&mut self, jobs: usize) -> anyhow::Result<Duration> {
        let mut connections = self.connections(2).await?;
        let started = Instant::now();
        let producers = connections.iter_mut().enumerate().map(|(which, conn)| async move {
            for first in (which * BATCH..jobs).step_by(2 * BATCH) {
                let bodies: Vec<String> = (first..jobs.min(first + BATCH)).map(body).collect();
                sqlx::query(INSERT).bind(bodies).execute(&mut *conn).await?;
            }
            anyhow::Ok(())
        });
        futures::future::try_join_all(producers).await?;
        let took = started.elapsed();
        connections[0].execute("vacuum analyze job").await?;
        Ok(took)
    }

    async fn drain(&mut self, jobs: usize) -> anyhow::Result<Duration> {
        let mut connections = self.connections(self.way.connections).await?;
        let done = AtomicUsize::new(0);
        let started = Instant::now();
        let workers = connections.iter_mut().map(|conn| self.work(conn, &done));
        futures::future::try_join_all(workers).await?;
        let (took, done) = (started.elapsed(), done.into_inner());
        anyhow::ensure!(done == jobs, "{done} of {jobs} jobs were run");
        Ok(took)
    }

    async fn starts(&mut self, samples: usize) -> anyhow::Result<Option<Vec<f64>>> {
        let mut connections = self.connections(2).await?;
        let [producer, worker] = &mut connections[..] else {
            anyhow::bail!("two connections");
        };
        let mut listener = PgListener::connect(&self.url).await?;
        listener.listen("job").await?;
        let mut took = Vec::with_capacity(samples);
        for number in 0..samples {
            let submitted = Instant::now();
            let sql = "with i as (insert into job (body) values ($1)) select pg_notify('job', '')";
            sqlx::query(sql).bind(body(number)).execute(&mut *producer).await?;
            listener.recv().await?;
            let claimed = sqlx::query(CLAIM).bind(10_i64).fetch_all(&mut *worker).await?;
            took.push(submitted.elapsed().as_secs_f64() * 1e3);
            anyhow::ensure!(claimed.len() == 1, "the job was not there");
            let ids: Vec<i64> = claimed.iter().map(|row| row.get_unchecked(0)).collect();
            sqlx::query(UPDATE)
                .bind(&ids)
                .bind(vec![OUTPUT])
                .execute(&mut *worker)
                .await?;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(Some(took))
    }
}

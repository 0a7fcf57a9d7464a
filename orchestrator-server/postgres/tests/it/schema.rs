//! The schema: brought up to date, taken back, and refused.

use orchestrator_core::clock::{Ids, SystemIds};
use orchestrator_core::{
    clock::{Clock, SystemClock},
    store::{Store, StoreError, Submission, Submit},
};
use orchestrator_migrations::{POSTGRES, newest};
use orchestrator_postgres::{Dialect, PostgresOptions, PostgresStore, migrate, migrations, script};
use orchestrator_protocol::{Json, NewTask, TaskState};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

use super::place::Place;

fn options() -> PostgresOptions {
    PostgresOptions::default()
}

async fn submit(store: &PostgresStore, count: usize) {
    let tasks = (0..count).map(|n| Submission {
        id: SystemIds.task(),
        task: std::sync::Arc::new(NewTask::new("noop", Json::of(&n).expect("JSON"))),
    });
    let submit = Submit {
        tasks: tasks.collect(),
        now: SystemClock.now(),
    };
    store.submit(submit).await.expect("they are stored");
}

async fn ready(store: &PostgresStore) -> Option<u64> {
    let stats = store.stats(SystemClock.now()).await.expect("counts");
    stats.by_state.get(&TaskState::Ready).copied()
}

/// Everything that the schema consists of, in words.
async fn schema(place: &Place) -> Vec<String> {
    let mut conn = place.connect().await;
    let sql = "select format('%s.%s %s', table_name, column_name, data_type) from information_schema.columns \
               where table_schema='orchestrator' and table_name not like '%sqlx%' union all \
               select indexdef from pg_indexes where schemaname='orchestrator' and tablename not like '%sqlx%' union all \
               select pg_get_functiondef(p.oid) from pg_proc p join pg_namespace n on n.oid=p.pronamespace \
               where n.nspname='orchestrator' union all \
               select sequencename::text from pg_sequences where schemaname='orchestrator' order by 1";
    let rows = conn.fetch_all(sql).await.expect("the schema");
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn goes_up_and_down_and_up_with_tasks_in_it() {
    let place = Place::new().await;
    let store = place.open().await;
    submit(&store, 3).await;
    store.close().await;
    let full = schema(&place).await;
    assert!(full.len() > 80, "{}", full.len());
    // The last step back and again: what is in the other tables stays.
    migrate(&place.url(), &options(), newest(&POSTGRES) - 1)
        .await
        .expect("down");
    assert!(schema(&place).await.len() < full.len());
    let steps = migrations(&place.url(), &options()).await.expect("the steps");
    assert!(steps.iter().rev().skip(1).all(|step| step.applied) && !steps[steps.len() - 1].applied);
    let store = place.open().await;
    assert_eq!(schema(&place).await, full);
    assert_eq!(ready(&store).await, Some(3));
    submit(&store, 1).await;
    store.close().await;
    // All of it.
    migrate(&place.url(), &options(), 0).await.expect("down");
    assert_eq!(schema(&place).await, Vec::<String>::new());
    migrate(&place.url(), &options(), newest(&POSTGRES)).await.expect("up");
    assert_eq!(schema(&place).await, full);
    let store = place.open().await;
    submit(&store, 2).await;
    assert_eq!(ready(&store).await, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_start_at_once_on_an_empty_database() {
    let place = Place::new().await;
    let starting = (0..8).map(|_| {
        let url = place.url();
        tokio::spawn(async move { PostgresStore::open(&url, PostgresOptions::default()).await })
    });
    let starting: Vec<_> = starting.collect();
    for store in starting {
        let store = store.await.expect("it starts").expect("it opens");
        submit(&store, 1).await;
    }
    assert_eq!(ready(&place.open().await).await, Some(8));
}

#[tokio::test]
async fn whoever_may_not_change_it_refuses_one_that_is_not_up_to_date() {
    let place = Place::new().await;
    let careful = || PostgresOptions {
        migrate: false,
        ..options()
    };
    let refused = PostgresStore::open(&place.url(), careful()).await;
    let told = |refused: Result<PostgresStore, StoreError>| match refused {
        Err(StoreError::Unusable(message)) => message,
        other => panic!("{other:?}"),
    };
    let message = told(refused);
    assert!(
        message.contains("at 0") && message.contains("orchestrator-server migrate"),
        "{message}"
    );
    assert_eq!(schema(&place).await, Vec::<String>::new());
    place.open().await;
    PostgresStore::open(&place.url(), careful())
        .await
        .expect("it is up to date");
    // A newer program was here.
    let mut conn = place.connect().await;
    let later = "insert into _sqlx_migrations (version,description,success,checksum,execution_time) \
                 values (9999,'later',true,'x',1)";
    conn.execute(later).await.expect("a row");
    for options in [careful(), options()] {
        let message = told(PostgresStore::open(&place.url(), options).await);
        assert!(
            message.contains("newer version") && message.contains("Nothing was changed"),
            "{message}"
        );
    }
    assert!(migrate(&place.url(), &options(), 0).await.is_err());
}

#[tokio::test]
async fn the_script_does_what_the_program_does() {
    let (by_hand, by_program) = (Place::new().await, Place::new().await);
    by_program.open().await;
    let run = async |place: &Place, to| {
        let steps = migrations(&place.url(), &options()).await.expect("the steps");
        let script = script(Dialect::Postgres("orchestrator"), &steps, to);
        let script: String = script
            .lines()
            .filter(|line| !line.starts_with('\\'))
            .collect::<Vec<_>>()
            .join("\n");
        let mut conn = PgConnection::connect(&place.url()).await.expect("a connection");
        conn.execute(sqlx::raw_sql(AssertSqlSafe(script)))
            .await
            .expect("it runs");
    };
    run(&by_hand, newest(&POSTGRES)).await;
    assert_eq!(schema(&by_hand).await, schema(&by_program).await);
    // The program takes it for its own, checksums included.
    let careful = PostgresOptions {
        migrate: false,
        ..options()
    };
    let store = PostgresStore::open(&by_hand.url(), careful).await.expect("it opens");
    submit(&store, 1).await;
    store.close().await;
    migrate(&by_hand.url(), &options(), 3).await.expect("down");
    run(&by_hand, 1).await;
    run(&by_hand, newest(&POSTGRES)).await;
    assert_eq!(schema(&by_hand).await, schema(&by_program).await);
    migrate(&by_hand.url(), &options(), newest(&POSTGRES))
        .await
        .expect("nothing is left to do");
}

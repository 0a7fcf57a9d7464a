//! What can be wrong with a file, in one line that says what to do; and the schema, up and down.

use std::fs;

use orchestrator_core::store::{
    ListQuery, Store, StoreError,
    sqlite::{SqliteOptions, SqliteStore},
};
use sqlx::{ConnectOptions, Connection, Executor, Row, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{Place, START, session, submit};

async fn raw(place: &Place) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(place.path())
        .create_if_missing(true);
    options.connect().await.expect("a connection")
}

/// Why a place cannot be opened: one line, with the path in it.
async fn refusal(place: &Place) -> String {
    refused(place.try_open().await)
}

fn refused(opened: Result<SqliteStore, StoreError>) -> String {
    let message = match opened {
        Ok(_) => panic!("it must not open"),
        Err(StoreError::Unusable(message)) => message,
        Err(other) => panic!("not the right error: {other:?}"),
    };
    assert_eq!(message.lines().count(), 1, "{message}");
    message
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_kept() {
    let place = Place::new();
    let text = "These are my notes, of some length, and no database at all.\n".repeat(40);
    fs::write(place.path(), &text).expect("a file");
    assert!(refusal(&place).await.contains("is not an SQLite database"));
    assert_eq!(fs::read_to_string(place.path()).expect("the file"), text);
}

#[tokio::test]
async fn another_programs_database_is_refused_and_kept() {
    let place = Place::new();
    let mut conn = raw(&place).await;
    conn.execute("create table songs(title text)").await.expect("a table");
    conn.close().await.expect("closed");
    let before = fs::read(place.path()).expect("the file");
    assert!(refusal(&place).await.contains("of another program"));
    let mut conn = raw(&place).await;
    let tables = conn.fetch_all("select name from sqlite_master").await.expect("tables");
    assert_eq!(tables.len(), 1);
    assert_eq!(before.len(), fs::read(place.path()).expect("the file").len());
}

#[tokio::test]
async fn directories_and_missing_directories_are_named() {
    let place = Place::new();
    fs::create_dir(place.path()).expect("a directory");
    assert!(refusal(&place).await.contains("is a directory"));
    let nowhere = place.directory.path().join("not/there.db");
    let message = refused(SqliteStore::open(&nowhere, SqliteOptions::default()).await);
    assert!(message.contains("there is no directory"), "{message}");
}

#[tokio::test]
async fn a_newer_schema_is_left_alone() {
    let place = Place::new();
    place.open().await.close().await;
    let mut conn = raw(&place).await;
    let newer = "insert into _sqlx_migrations(version,description,success,checksum,execution_time) \
                 values (9999,'later',true,x'00',0)";
    conn.execute(newer).await.expect("a version");
    conn.close().await.expect("closed");
    let message = refusal(&place).await;
    assert!(
        message.contains("newer version") && message.contains("upgrade"),
        "{message}"
    );
}

#[tokio::test]
async fn a_truncated_database_is_called_damaged() {
    let place = Place::new();
    let store = place.open().await;
    submit(&store, 500).await;
    store.close().await;
    let whole = fs::read(place.path()).expect("the file");
    fs::write(place.path(), &whole[..whole.len() / 3 / 4096 * 4096]).expect("a third of it");
    let message = match place.try_open().await {
        Err(error) => error.to_string(),
        // What is torn off may be noticed only when it is asked for.
        Ok(store) => match store.list(ListQuery::default()).await {
            Err(error) => error.to_string(),
            Ok(_) => store.stats(START).await.expect_err("it is damaged").to_string(),
        },
    };
    assert!(message.contains("damaged"), "{message}");
}

#[cfg(unix)]
#[tokio::test]
async fn unreadable_files_are_named() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    place.open().await.close().await;
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o000)).expect("permissions");
    // Root may read everything.
    if fs::File::open(place.path()).is_err() {
        assert!(refusal(&place).await.contains("no permission"));
    }
}

#[tokio::test]
async fn reading_only_changes_nothing() {
    let place = Place::new();
    let options = SqliteOptions {
        read_only: true,
        ..SqliteOptions::default()
    };
    let missing = refused(SqliteStore::open(place.path(), options.clone()).await);
    assert!(missing.contains("there is no database"), "{missing}");
    assert!(!place.path().exists());
    let store = place.open().await;
    let task = submit(&store, 1).await[0];
    let viewer = SqliteStore::open(place.path(), options.clone())
        .await
        .expect("it opens");
    assert!(viewer.get(task).await.expect("a read").is_some());
    let refused = viewer
        .pause_queue("default".to_owned(), true)
        .await
        .expect_err("it only reads");
    assert!(refused.to_string().contains("for reading only"), "{refused}");
    let seen = viewer.foreign_changes().await.expect("a number");
    assert_eq!(viewer.foreign_changes().await.expect("a number"), seen);
    submit(&store, 1).await;
    assert_ne!(viewer.foreign_changes().await.expect("a number"), seen);
    viewer.close().await;
    store.close().await;
    // Also when nobody else has it open.
    let viewer = SqliteStore::open(place.path(), options).await.expect("it opens");
    assert!(viewer.get(task).await.expect("a read").is_some());
    viewer.close().await;
}

#[tokio::test]
async fn what_is_closed_says_so() {
    let place = Place::new();
    let store = place.open().await;
    submit(&store, 3).await;
    store.close().await;
    let error = store
        .pause_queue("default".to_owned(), true)
        .await
        .expect_err("it is closed");
    assert!(error.to_string().contains("closed"), "{error}");
    store.close().await;
    // Everything is in the one file then: nothing beside it is needed to copy it.
    let files: Vec<_> = fs::read_dir(place.directory.path()).expect("files").flatten().collect();
    assert_eq!(files.len(), 1, "{files:?}");
}

async fn schema(conn: &mut SqliteConnection) -> Vec<String> {
    let sql = "select coalesce(sql,name) from sqlite_master where name not like '%sqlx%' and name not like 'sqlite_%' \
               order by 1";
    let rows = conn.fetch_all(sql).await.expect("the schema");
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn migrations_go_up_and_down_and_up() {
    let place = Place::new();
    let mut conn = raw(&place).await;
    let migrations = &orchestrator_migrations::SQLITE;
    migrations.run(&mut conn).await.expect("up");
    let first = schema(&mut conn).await;
    assert!(first.len() > 15);
    migrations.undo(&mut conn, 0).await.expect("down");
    assert_eq!(schema(&mut conn).await, Vec::<String>::new());
    migrations.run(&mut conn).await.expect("up again");
    assert_eq!(schema(&mut conn).await, first);
    conn.close().await.expect("closed");
    let store = place.open().await;
    session(&store).await;
    submit(&store, 1).await;
}

#[tokio::test]
async fn steps_are_taken_and_taken_back_with_tasks_in_the_file() {
    use orchestrator_core::store::sqlite::{migrate, migrations};

    let place = Place::new();
    let path = place.path();
    assert!(
        migrations(&path)
            .await
            .expect("the steps")
            .iter()
            .all(|step| !step.applied)
    );
    let careful = || SqliteOptions {
        migrate: false,
        ..SqliteOptions::default()
    };
    let refused = SqliteStore::open(&path, careful())
        .await
        .expect_err("it may not be changed");
    assert!(refused.to_string().contains("orchestrator-server migrate"), "{refused}");
    let store = place.open().await;
    submit(&store, 2).await;
    store.close().await;
    let steps = migrations(&path).await.expect("the steps");
    let newest = steps.last().expect("a step").version;
    assert!(steps.iter().all(|step| step.applied));
    migrate(&path, newest - 1).await.expect("down");
    assert!(
        !migrations(&path)
            .await
            .expect("the steps")
            .last()
            .expect("a step")
            .applied
    );
    migrate(&path, newest).await.expect("up");
    let store = SqliteStore::open(&path, careful()).await.expect("it is up to date");
    submit(&store, 1).await;
    let all = store.list(ListQuery::default()).await.expect("a list").items;
    assert_eq!(all.len(), 3);
}

#[tokio::test]
async fn many_may_start_at_once_on_a_new_file() {
    let place = Place::new();
    let starting = (0..8).map(|_| SqliteStore::open(place.path(), SqliteOptions::default()));
    for store in futures::future::join_all(starting).await {
        submit(&store.expect("it opens"), 1).await;
    }
    let all = place
        .open()
        .await
        .list(ListQuery::default())
        .await
        .expect("a list")
        .items;
    assert_eq!(all.len(), 8);
}

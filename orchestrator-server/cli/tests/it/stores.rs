//! Stores that cannot be used.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use crate::support::{Place, write};

fn every_way(place: &Place, code: i32, words: &[&str]) {
    place.run(&["list"]).complains(code, words);
    place.run(&["retry", "last"]).complains(code, words);
    place
        .run(&["run", "command", "--input", &Place::shell("true")])
        .complains(code, words);
}

#[test]
fn no_database_at_all() {
    let place = Place::new();
    write(
        &place.database(),
        "this is a letter and not a database, however long it may be",
    );
    every_way(&place, 2, &["tasks.db is not an SQLite database"]);
}

#[test]
fn a_damaged_database() {
    let place = Place::new();
    place
        .run(&["run", "command", "--input", &Place::shell("true")])
        .expect(0);
    let mut bytes = fs::read(place.database()).expect("the database");
    let from = bytes.len().min(4096);
    bytes[200..from].fill(0x5a);
    fs::write(place.database(), bytes).expect("the database");
    let out = place.run(&["list"]);
    assert!(out.stderr.contains("tasks.db"), "{out:#?}");
    out.complains(2, &[]);
}

#[test]
fn a_folder_and_a_missing_one() {
    let place = Place::new();
    fs::create_dir(place.database()).expect("a folder");
    every_way(&place, 2, &["is a directory"]);
    for url in ["sqlite:", "mysql:x", "postgres://x", "nonsense"] {
        place
            .run(&["run", "command", "--input", &Place::shell("true"), "--database", url])
            .complains(2, &[]);
    }
    write(&place.path("file"), "");
    place
        .run(&[
            "run",
            "command",
            "--input",
            &Place::shell("true"),
            "--database",
            "sqlite:file/x.db",
        ])
        .complains(2, &["file"]);
}

#[test]
fn an_unreadable_database() {
    let place = Place::new();
    place
        .run(&["run", "command", "--input", &Place::shell("true")])
        .expect(0);
    fs::set_permissions(place.database(), fs::Permissions::from_mode(0o000)).expect("permissions");
    if fs::read(place.database()).is_ok() {
        eprintln!("skipped: this user may read everything");
        return;
    }
    every_way(&place, 2, &["no permission"]);
}

#[test]
fn a_database_that_may_not_grow() {
    let place = Place::new();
    let command = place.command::<&str>(&[]);
    let mut limited = std::process::Command::new("sh");
    limited
        .args([
            "-c",
            "ulimit -f 8; exec \"$0\" run command --input '{\"argv\": [\"true\"]}'",
        ])
        .arg(command.get_program())
        .envs(command.get_envs().filter_map(|(n, v)| Some((n, v?))))
        .current_dir(place.path(""));
    place.begin(limited).end().complains(2, &["tasks.db", "disk I/O error"]);
}

/// What SQLite learnt of a store with one task made it search through all of them, one by one, when there were thousands.
#[test]
fn nothing_is_concluded_from_a_small_store() {
    let place = Place::new();
    place
        .run(&["run", "command", "--input", &Place::shell("true")])
        .expect(0);
    let bytes = fs::read(place.database()).expect("the database");
    let statistics = b"sqlite_stat1";
    assert!(!bytes.windows(statistics.len()).any(|part| part == statistics));
}

#[test]
fn a_newer_database() {
    let place = Place::new();
    place
        .run(&["run", "command", "--input", &Place::shell("true")])
        .expect(0);
    let sql = "insert into _sqlx_migrations values (99990101000000, 'later', current_timestamp, 1, x'00', 1)";
    let mended = Command::new("python3")
        .args([
            "-c",
            "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\nc.execute(sys.argv[2])\nc.commit()",
        ])
        .arg(place.database())
        .arg(sql)
        .status();
    if !mended.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no python3 to change the database with");
        return;
    }
    every_way(&place, 2, &["newer version", "Nothing was changed"]);
}

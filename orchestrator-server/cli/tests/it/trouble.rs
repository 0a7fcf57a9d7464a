//! Stores that stop working in the midst of a run, and models that are not there.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use crate::support::{Place, write};

/// A disk that fills up: a small one in memory, which takes rights that not every machine gives.
#[test]
fn a_full_disk_is_told_and_what_was_kept_goes_on() {
    let place = Place::new();
    std::fs::create_dir(place.path("disk")).expect("a folder");
    let input = Place::shell("test -e mended || seq 1 200000; echo done");
    write(&place.path("in.json"), &input);
    let script = "mount -t tmpfs -o size=700k tmpfs disk || exit 99\n\
         \"$0\" run command --attempts 1 --input @in.json --progress none; echo \"first $?\"\n\
         mount -o remount,size=100m disk && touch mended\n\
         \"$0\" show last >/dev/null; echo \"second $?\"\n\
         \"$0\" retry last --progress none; echo \"third $?\"";
    let command = place.command::<&str>(&[]);
    let mut unshare = Command::new("unshare");
    unshare
        .args(["--map-root-user", "--mount", "sh", "-c", script])
        .arg(command.get_program());
    for (name, value) in command.get_envs().filter_map(|(n, v)| Some((n, v?))) {
        unshare.env(name, value);
    }
    unshare
        .env("ORCHESTRATOR_DATABASE", "sqlite:disk/tasks.db")
        .current_dir(place.path(""));
    let can = Command::new("unshare")
        .args(["--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"])
        .output();
    if !can.is_ok_and(|out| out.status.success()) {
        eprintln!("skipped: no small disk can be made here");
        return;
    }
    let out = place.begin(unshare).end().expect(0);
    assert!(out.stdout.contains("first 4\n"), "{out:#?}");
    assert!(
        out.stderr.contains("no room left to write") && out.stderr.contains("is kept"),
        "{out:#?}"
    );
    assert!(out.stderr.contains("orchestrator retry"), "{out:#?}");
    assert!(
        out.stdout.contains("second 0\n") && out.stdout.contains("third 0\n"),
        "{out:#?}"
    );
}

/// A process that keeps the database locked until its standard input is closed, where there is python3.
fn lock(place: &Place) -> Option<Child> {
    let lock = "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
         c.execute('begin exclusive')\nprint('locked', flush=True)\nsys.stdin.read()";
    let holder = Command::new("python3")
        .args(["-c", lock])
        .arg(place.database())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut holder) = holder else {
        eprintln!("skipped: no python3 to lock the database with");
        return None;
    };
    let mut line = String::new();
    BufReader::new(holder.stdout.take().expect("its output"))
        .read_line(&mut line)
        .expect("a line");
    assert_eq!(line, "locked\n");
    Some(holder)
}

fn unlock(mut holder: Child) {
    drop(holder.stdin.take());
    holder.wait().expect("its end");
}

#[test]
fn a_database_that_somebody_keeps_locked() {
    let place = Place::new();
    place
        .run(&["run", "command", "--input", &Place::shell("true")])
        .expect(0);
    let Some(holder) = lock(&place) else { return };
    place
        .run(&["run", "command", "--input", &Place::shell("true")])
        .complains(4, &["another process keeps the database locked"]);
    // Who only looks is not disturbed.
    place.run(&["list"]).expect(0);
    unlock(holder);
    place
        .run(&["run", "command", "--input", &Place::shell("true")])
        .expect(0);
}

#[test]
fn whoever_interrupts_twice_does_not_wait_for_a_locked_database() {
    let place = Place::new();
    let script = Place::shell("echo started; while :; do sleep 0.1; done");
    let mut running = place.start(&["run", "command", "--input", &script]);
    running.says("command: started");
    let Some(holder) = lock(&place) else { return };
    running.signal("INT");
    running.says("cancelling");
    running.signal("INT");
    let out = running.end().expect(3);
    assert!(out.stderr.contains("stopped at once"), "{out:#?}");
    unlock(holder);
    // The cancelling had no chance to be kept.
    assert_ne!(place.show("last")["state"], "cancelled");
}

#[test]
fn a_model_that_is_not_there() {
    let place = Place::new();
    let model = [
        "--model",
        "m",
        "--model-url",
        "http://127.0.0.1:9/v1",
        "--progress",
        "none",
    ];
    let input = "{\"prompt\": \"hello\"}";
    let out = place.run(&[&["run", "llm", "--attempts", "1", "--input", input][..], &model].concat());
    out.complains(1, &["127.0.0.1:9"]);
    // A review does without, and says so once.
    let files: Vec<_> = (0..5)
        .map(|i| (format!("f{i}.py"), "x = eval(y)\n".to_owned()))
        .collect();
    place.repository("repo", &files);
    let out = place
        .run(&[&["run", "code_review", "--repo", "repo"][..], &model].concat())
        .expect(0);
    assert_eq!(out.stdout.matches("model `m`").count(), 1, "{out:#?}");
    assert!(out.stdout.contains("What could not be checked"), "{out:#?}");
    assert_eq!(
        place.show("last")["labels"]["model"],
        "m",
        "a retry asks the same model"
    );
}

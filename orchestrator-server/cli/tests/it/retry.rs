//! `retry`: what ended badly, and what a killed process left.

use std::fs;

use crate::support::{Place, eventually, write};

#[test]
fn a_failed_task_is_tried_again() {
    let place = Place::new();
    let shell = Place::shell("test -e mended && echo fine");
    place
        .run(&["run", "command", "--attempts", "1", "--input", &shell])
        .expect(1);
    place.run(&["retry", "last"]).expect(1);
    write(&place.path("mended"), "");
    let out = place.run(&["retry", "last"]).expect(0);
    assert_eq!(out.json()["stdout"], "fine\n");
    let out = place.run(&["retry", "--last"]).expect(0);
    assert!(out.stderr.contains("nothing to retry"), "{out:#?}");
    assert_eq!(out.json()["stdout"], "fine\n");
}

#[test]
fn a_killed_run_goes_on_and_does_nothing_twice() {
    let place = Place::new();
    // Each file's linter leaves a mark; the third one hangs until it may go on.
    place.program(
        "shellcheck",
        "test \"$1\" = --version && { echo version: 1.0; exit 0; }\nfor f; do :; done\necho x >> \"$MARKS/$(basename \"$f\")\"\n\
         test \"$(basename \"$f\")\" != c.sh || until test -e \"$MARKS/go\"; do sleep 0.05; done\necho '[]'",
    );
    // Programs see few variables, so the mark's place is written into the program.
    let marks = place.path("marks");
    fs::create_dir(&marks).expect("a folder");
    let program = place.path("bin/shellcheck");
    let text = fs::read_to_string(&program).expect("the program");
    write(&program, &text.replace("$MARKS", marks.to_str().expect("a path")));
    let files: Vec<_> = ["a", "b", "c"]
        .map(|name| (format!("{name}.sh"), format!("#!/bin/sh\necho {name}\n")))
        .to_vec();
    place.repository("repo", &files);
    let running = place.start(&[
        "run",
        "code_review",
        "--repo",
        "repo",
        "--slots",
        "2",
        "--max-parallel",
        "1",
    ]);
    eventually("the third file", || marks.join("c.sh").exists());
    running.signal("KILL");
    running.end();
    let why = place.run(&["why", "last"]).expect(0).stdout;
    assert!(why.contains("orchestrator retry"), "{why}");
    let watched = place.run(&["watch", "last"]);
    assert!(watched.stderr.contains("no process runs task"), "{watched:#?}");
    watched.expect(4);
    write(&marks.join("go"), "");
    let out = place.run(&["retry", "last", "--out", "out"]).expect(0);
    assert!(out.stderr.contains("had succeeded before"), "{out:#?}");
    assert!(place.path("out/report.md").exists());
    for (file, times) in [("a.sh", 1), ("b.sh", 1), ("c.sh", 2)] {
        let marked = fs::read_to_string(marks.join(file)).expect("marks").lines().count();
        assert_eq!(marked, times, "{file}");
    }
}

#[test]
fn retrying_what_runs_elsewhere_follows_it() {
    let place = Place::new();
    let shell = Place::shell("echo begin; until test -e go; do sleep 0.05; done; echo end >> ends; cat ends");
    let mut running = place.start(&["run", "command", "--input", &shell]);
    running.says("command: begin");
    let mut retrying = place.start(&["retry", "last"]);
    retrying.says("another process runs it");
    retrying.says("command: begin");
    write(&place.path("go"), "");
    let first = running.end().expect(0);
    let second = retrying.end().expect(0);
    assert_eq!(first.json(), second.json());
    assert_eq!(second.json()["stdout"], "begin\nend\n", "it ran once");
}

#[test]
fn a_part_is_retried_with_its_tree() {
    let place = Place::new();
    let running = place.start(&["run", "code_review", "--repo", "."]);
    eventually("parts", || {
        let page = place.run(&["list", "--all", "--json"]);
        page.code == Some(0) && page.json()["items"].as_array().is_some_and(|i| i.len() > 1)
    });
    running.signal("KILL");
    running.end();
    let page = place.run(&["list", "--all", "--json"]).expect(0).json();
    let part = page["items"][0]["id"].as_str().expect("an id").to_owned();
    let out = place.run(&["retry", &part]).expect(0);
    assert!(out.stderr.contains("is a part of code_review"), "{out:#?}");
    assert!(out.stdout.contains("# Review of"), "{out:#?}");
}

//! A review that is killed again and again ends with the report of one that was left alone, and does nothing twice.

use std::{collections::BTreeMap, thread, time::Duration};

use serde_json::Value;

use crate::support::Place;

const FILES: usize = 60;
const KILLS: usize = 20;

/// A sequence of numbers that a seed determines.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// Files of several languages with things to be found in them.
fn files() -> Vec<(String, String)> {
    let files = (0..FILES).map(|i| match i % 3 {
        0 => (
            format!("src/m{i}.py"),
            format!("def f{i}(x):\n    # TODO: {i}\n    try:\n        return eval(x)\n    except:\n        pass\n"),
        ),
        1 => (
            format!("src/m{i}.rs"),
            format!("pub fn f{i}() -> u32 {{\n    let x: Option<u32> = None;\n    x.unwrap()\n}}\n"),
        ),
        _ => (format!("bin/s{i}.sh"), format!("#!/bin/sh\neval \"$1\"\necho {i}\n")),
    });
    files.collect()
}

fn place() -> Place {
    let place = Place::new();
    // Slow enough that a kill meets files in the midst of their review.
    place.program(
        "shellcheck",
        "test \"$1\" = --version && echo version: 1.0 || { sleep 0.15; echo '[]'; }",
    );
    place.repository("repo", &files());
    place
}

const RUN: [&str; 9] = [
    "run",
    "code_review",
    "--repo",
    "repo",
    "--slots",
    "4",
    "--max-parallel",
    "2",
    "--json",
];

#[test]
fn twenty_kills_change_nothing() {
    let seed = std::env::var("ORCHESTRATOR_TEST_SEED").ok();
    let seed = seed.and_then(|s| s.parse().ok()).unwrap_or(20_261_123);
    println!("ORCHESTRATOR_TEST_SEED={seed}");
    let undisturbed = place().run(&RUN).expect(0).json()["output"].clone();
    let place = place();
    let (mut dice, mut killed, mut ended) = (Dice(seed), 0, 0);
    // A run that came to its end before it could be killed often enough is followed by another one.
    while killed < KILLS {
        killed += kill_until_the_end(&place, &mut dice, KILLS - killed);
        ended += 1;
        assert_eq!(place.show("last")["output"], undisturbed, "after {killed} kills");
        nothing_was_done_twice(&place.run(&["watch", "last", "--json"]).expect(0).json_lines());
    }
    println!("{killed} kills, {ended} review(s)");
}

/// Starts a review and lets it end, after as many kills as it takes or as are left. Says how many there were.
fn kill_until_the_end(place: &Place, dice: &mut Dice, left: usize) -> usize {
    let before = place.run(&["list", "--json"]);
    let before = if before.code == Some(0) {
        before.json()["items"].as_array().map_or(0, Vec::len)
    } else {
        0
    };
    let mut command: &[&str] = &RUN;
    for killed in 0..left {
        let running = place.start(command);
        thread::sleep(Duration::from_millis(dice.roll(500)));
        running.signal("KILL");
        if running.end().code == Some(0) {
            return killed;
        }
        let page = place.run(&["list", "--json"]);
        // Killed before there was a task to go on with, it begins anew.
        if page.code == Some(0)
            && page.json()["items"]
                .as_array()
                .is_some_and(|items| items.len() > before)
        {
            command = &["retry", "last", "--slots", "4", "--json"];
            if page.json()["items"][0]["state"] == "succeeded" {
                return killed + 1;
            }
        }
    }
    place.run(command).expect(0);
    left
}

/// No task was started after it had succeeded, and every name was asked for once.
fn nothing_was_done_twice(events: &[Value]) {
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    let mut succeeded: BTreeMap<&str, bool> = BTreeMap::new();
    for event in events {
        let Some(id) = event["task_id"].as_str() else { continue };
        if let (Some("task_created"), Some(step)) = (event["type"].as_str(), event["step"].as_str()) {
            assert_eq!(names.insert(step, id), None, "`{step}` was asked for twice");
        }
        match event["state"].as_str() {
            Some("succeeded") => drop(succeeded.insert(id, true)),
            Some(state) => assert!(
                !succeeded.contains_key(id),
                "task {id} is {state} after it has succeeded"
            ),
            None => {}
        }
    }
    let files = names.keys().filter(|name| name.starts_with("file[")).count();
    assert_eq!(files, FILES);
    assert!(names.values().all(|id| succeeded.contains_key(id)));
}

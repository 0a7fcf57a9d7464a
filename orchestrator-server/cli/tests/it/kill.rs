//! A review that is killed again and again ends with the report of one that was left alone, and does nothing twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{Out, Place};

const FILES: usize = 60;
const KILLS: usize = 20;

/// A sequence of numbers that a seed determines.
struct Dice(u64);

impl Dice {
    /// From the environment, to try another sequence, and to try the same once more.
    fn from_seed() -> Self {
        let seed = std::env::var("ORCHESTRATOR_TEST_SEED").ok();
        let seed: u64 = seed.and_then(|s| s.parse().ok()).unwrap_or(20_261_123);
        println!("ORCHESTRATOR_TEST_SEED={seed}");
        // Neighbouring seeds are to give different sequences, and none is to be all zeros.
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    /// Some time before the end of what takes so long.
    fn moment(&mut self, whole: Duration) -> Duration {
        Duration::from_millis(self.roll(u64::try_from(whole.as_millis()).unwrap_or(u64::MAX).max(1)))
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
        _ => (format!("src/m{i}.sh"), format!("#!/bin/sh\neval \"$1\"\necho {i}\n")),
    });
    files.collect()
}

/// A repository, and a linter that is slow enough for a kill to meet files in the midst of their review. It writes down
/// which files it was given: a witness that knows nothing of the event history.
fn place() -> Place {
    let place = Place::new();
    let witness = place.path("linted");
    let script = format!(
        "test \"$1\" = --version && {{ echo version: 1.0; exit; }}\n\
         for file; do :; done; echo \"$file\" >> '{}'; sleep 0.15; echo '[]'",
        witness.display()
    );
    place.program("shellcheck", &script);
    place.repository("repo", &files());
    place
}

/// The files that the linter was given so far, by their names.
fn linted(place: &Place) -> Vec<String> {
    let text = fs::read_to_string(place.path("linted")).unwrap_or_default();
    text.lines()
        .map(|line| line.trim_start_matches("./").to_owned())
        .collect()
}

const RUN: &[&str] = &[
    "run",
    "code_review",
    "--repo",
    "repo",
    "--slots",
    "4",
    "--max-parallel",
    "4",
    "--analysers",
    "shellcheck",
    "--json",
    "--out",
    "out",
];
const RETRY: &[&str] = &["retry", "last", "--slots", "4", "--json", "--out", "out"];

/// What a review gives: the result, and the reports as they are written.
#[derive(Debug, PartialEq)]
struct Review {
    output: Value,
    markdown: String,
    json: String,
}

impl Review {
    /// Of a command that has come to its end.
    fn of(place: &Place, out: Out) -> Self {
        let read = |name: &str| fs::read_to_string(place.path("out").join(name)).expect("a report");
        Self {
            output: out.expect(0).json()["output"].clone(),
            markdown: read("report.md"),
            json: read("report.json"),
        }
    }
}

/// A review that nobody disturbs, and how long it takes.
fn undisturbed() -> (Review, Duration) {
    let place = place();
    let begun = Instant::now();
    let out = place.run(RUN);
    let took = begun.elapsed();
    let review = Review::of(&place, out);
    nothing_was_done_twice(&place);
    assert_eq!(linted(&place).len(), FILES / 3, "the linter looks at each file once");
    (review, took)
}

/// What is found of a review whose process was killed.
struct Found {
    /// The names of the files whose review was finished.
    finished: BTreeSet<String>,
    over: bool,
}

/// How far a review is; None when there was no time to begin one.
fn find(place: &Place) -> Option<Found> {
    let shown = place.run(&["show", "last", "--json"]);
    let shown = (shown.code == Some(0)).then(|| shown.json())?;
    let tasks = shown["tree"]["tasks"].as_array()?.iter();
    let finished = tasks.filter(|task| task["task_type"] == "code_review.file" && task["state"] == "succeeded");
    let name = |task: &Value| task["description"].as_str().unwrap_or_default().to_owned();
    Some(Found {
        finished: finished.map(name).collect(),
        over: shown["task"]["state"] == "succeeded",
    })
}

/// Kills the command a while after it was started; says whether it was still there.
fn kill_after(place: &Place, command: &[&str], delay: Duration) -> bool {
    let running = place.start(command);
    // Not for want of a condition: that it is any moment is the point.
    thread::sleep(delay);
    running.signal("KILL");
    running.end().code.is_none()
}

/// The kills of a test. Those before there was a task to go on with, and those after its end, do not count.
#[derive(Debug, Default)]
struct Kills {
    all: usize,
    /// Those that met files in the midst of their review.
    amid: usize,
    /// Those after which some files were finished and others were not.
    partial: usize,
}

impl Kills {
    /// How much longer to wait for the next one. A machine that is busy with other things may take longer to start the
    /// command than the moment lasts: each kill that met nothing gives the next ones a tenth more.
    fn patience(&self) -> f64 {
        1.0 + (self.all - self.amid) as f64 / 10.0
    }
}

/// Takes one review to its end, killed again and again, each time followed by a retry.
fn disturb(expected: &Review, kills: &mut Kills, mut moment: impl FnMut(usize) -> Duration) {
    let place = place();
    let (mut command, mut left) = (RUN, FILES);
    // After each kill: what was finished, and how many lines the witness had written.
    let mut marks: Vec<(BTreeSet<String>, usize)> = Vec::new();
    while kills.all < KILLS {
        let was_there = kill_after(&place, command, moment(left).mul_f64(kills.patience()));
        let Some(found) = find(&place) else { continue };
        command = RETRY;
        if !was_there || found.over {
            break;
        }
        kills.all += 1;
        left = FILES - found.finished.len();
        let linted = linted(&place);
        kills.amid += usize::from(linted.iter().any(|file| !found.finished.contains(file)));
        kills.partial += usize::from((1..FILES).contains(&found.finished.len()));
        marks.push((found.finished, linted.len()));
    }
    assert_eq!(&Review::of(&place, place.run(command)), expected, "after {kills:?}");
    nothing_was_done_twice(&place);
    let linted = linted(&place);
    for (finished, seen) in marks {
        let again: Vec<_> = linted[seen..].iter().filter(|file| finished.contains(*file)).collect();
        assert!(again.is_empty(), "{again:?} were finished, and linted again");
    }
}

/// Twenty kills, each at a random moment of a span of time: it is given for the length of an undisturbed review
/// and for how many files are left.
fn twenty_kills(span: impl Fn(Duration, usize) -> Duration) {
    let mut dice = Dice::from_seed();
    let (expected, whole) = undisturbed();
    let (mut kills, mut reviews) = (Kills::default(), 0);
    while kills.all < KILLS {
        disturb(&expected, &mut kills, |left| dice.moment(span(whole, left)));
        reviews += 1;
    }
    println!("{kills:?} in {reviews} review(s) that take {whole:?}");
    assert!(kills.amid > 0 && kills.partial > 0, "no kill met a file: {kills:?}");
}

/// From the first moment of a review to its last.
#[test]
fn twenty_kills_at_any_moment_change_nothing() {
    // A quarter more for what comes before and after the files.
    twenty_kills(|whole, left| whole.mul_f64((left as f64 / FILES as f64 + 0.25).min(1.0)));
}

/// So often that one review meets many of them.
#[test]
fn twenty_kills_in_quick_succession_change_nothing() {
    twenty_kills(|whole, _| whole / 5);
}

/// By the event history, no task was started after it had succeeded, and every name was asked for once.
fn nothing_was_done_twice(place: &Place) {
    let events = place.run(&["watch", "last", "--json"]).expect(0).json_lines();
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    let mut succeeded: BTreeSet<&str> = BTreeSet::new();
    for event in &events {
        let Some(id) = event["task_id"].as_str() else { continue };
        if let (Some("task_created"), Some(step)) = (event["type"].as_str(), event["step"].as_str()) {
            assert_eq!(names.insert(step, id), None, "`{step}` was asked for twice");
        }
        match event["state"].as_str() {
            Some("succeeded") => assert!(succeeded.insert(id), "task {id} succeeded twice"),
            Some(state) => assert!(!succeeded.contains(id), "task {id} is {state} after it has succeeded"),
            None => {}
        }
    }
    let files = names.keys().filter(|name| name.starts_with("file[")).count();
    assert_eq!(files, FILES);
    assert!(names.values().all(|id| succeeded.contains(id)));
}

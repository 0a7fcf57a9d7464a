//! Decisions of people, from another terminal.

use std::time::{Duration, Instant};

use crate::support::Place;

#[test]
fn a_decision_reaches_the_process_that_waits_for_it() {
    let place = Place::new();
    for (decision, feedback) in [("accept", ""), ("correct", "more tests"), ("reject", "no")] {
        let mut running = place.start(&["run", "checkpoint", "--input", "{\"question\": \"Deploy?\"}"]);
        running.says("Deploy?");
        running.says("orchestrator decide ");
        place.wait_for_state("last", "waiting");
        let begun = Instant::now();
        place
            .run(&["decide", "last", decision, "--feedback", feedback])
            .expect(0);
        let out = running.end().expect(0);
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "it took {:?}",
            begun.elapsed()
        );
        assert_eq!(out.json()["decision"], *decision);
        assert_eq!(out.json()["feedback"], *feedback);
    }
}

#[test]
fn a_checkpoint_is_decided_once() {
    let place = Place::new();
    let running = place.start(&["run", "checkpoint", "--input", "{\"question\": \"Deploy?\"}"]);
    crate::support::eventually("a question", || {
        place.run(&["decide", "last", "accept"]).code == Some(0)
    });
    running.end().expect(0);
    let id = place.show("last")["id"].as_str().expect("an id").to_owned();
    place
        .run(&["decide", &id, "reject"])
        .complains(2, &["is succeeded", "decided again"]);
}

#[test]
fn a_decision_is_kept_while_nobody_waits_for_it() {
    let place = Place::new();
    let mut running = place.start(&["run", "checkpoint", "--input", "{\"question\": \"Deploy?\"}"]);
    running.says("Deploy?");
    running.signal("KILL");
    running.end();
    let out = place.run(&["decide", "last", "accept"]).expect(0);
    assert!(out.stdout.contains("is decided"), "{out:#?}");
    let out = place.run(&["retry", "last"]).expect(0);
    assert_eq!(out.json()["decision"], "accept");
}

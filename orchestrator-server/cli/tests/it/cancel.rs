//! Interrupts, and cancelling from elsewhere.

use std::time::{Duration, Instant};

use crate::support::{Place, eventually, runs, signal};

/// A program that can be found among the processes, and that ends only when it is killed.
fn lasting(place: &Place, deaf: bool) -> (String, String) {
    let name = format!(
        "lasting-{}",
        place.path("x").display().to_string().replace(['/', '.'], "-")
    );
    let trap = if deaf { "trap '' TERM; " } else { "" };
    let script = format!("{trap}echo $$ > pid; echo started; : {name}; while :; do sleep 0.1; done");
    (Place::shell(&script), name)
}

#[test]
fn an_interrupt_cancels_and_stops_what_runs() {
    for signal in ["INT", "TERM", "HUP"] {
        let place = Place::new();
        let (input, name) = lasting(&place, false);
        let mut running = place.start(&["run", "command", "--input", &input]);
        running.says("command: started");
        assert!(runs(&name));
        running.signal(signal);
        let out = running.end().expect(3);
        assert!(out.stderr.contains("cancelling; interrupt once more"), "{out:#?}");
        assert!(out.stderr.contains("orchestrator retry"), "{out:#?}");
        assert!(!runs(&name), "it still runs");
        assert_eq!(place.show("last")["state"], "cancelled");
    }
}

#[test]
fn a_second_interrupt_stops_at_once_and_kills() {
    let place = Place::new();
    let (input, name) = lasting(&place, true);
    let input = input.replace("\"grace_s\":1", "\"grace_s\":60");
    let mut running = place.start(&["run", "command", "--input", &input]);
    running.says("command: started");
    running.signal("INT");
    running.says("cancelling");
    std::thread::sleep(Duration::from_millis(300));
    assert!(!running.has_ended(), "it is deaf to what is polite");
    let begun = Instant::now();
    running.signal("INT");
    let out = running.end().expect(3);
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "it took {:?}",
        begun.elapsed()
    );
    assert!(out.stderr.contains("stopped at once"), "{out:#?}");
    eventually("the program to be gone", || !runs(&name));
    place.run(&["why", "last"]).expect(0);
    assert_eq!(place.show("last")["state"], "cancelled");
}

#[test]
fn a_cancel_from_elsewhere_is_heard() {
    let place = Place::new();
    let (input, name) = lasting(&place, false);
    let mut running = place.start(&["run", "command", "--input", &input]);
    running.says("command: started");
    let begun = Instant::now();
    let out = place.run(&["cancel", "last", "--reason", "changed my mind"]).expect(0);
    assert!(out.stdout.contains("is cancelled"), "{out:#?}");
    let out = running.end().expect(3);
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "it took {:?}",
        begun.elapsed()
    );
    assert!(out.stderr.contains("changed my mind"), "{out:#?}");
    assert!(!runs(&name));
    let again = place.run(&["cancel", "last"]).expect(0);
    assert!(again.stdout.contains("cancelled already"), "{again:#?}");
}

#[test]
fn what_a_dead_process_left_is_cancelled_at_once() {
    let place = Place::new();
    let (input, name) = lasting(&place, false);
    let mut running = place.start(&["run", "command", "--input", &input]);
    running.says("command: started");
    running.signal("KILL");
    running.end();
    let begun = Instant::now();
    let out = place.run(&["cancel", "last", "--json"]).expect(0);
    assert_eq!(out.json()["state"], "cancelled");
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "it took {:?}",
        begun.elapsed()
    );
    // Nobody was left to stop the program, so the test does.
    let process = std::fs::read_to_string(place.path("pid")).expect("its process");
    signal("KILL", process.trim().parse().expect("a number"));
    eventually("the program to be gone", || !runs(&name));
}

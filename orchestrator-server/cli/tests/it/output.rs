//! Where the output goes, and what happens when it cannot.

use std::{fs::OpenOptions, process::Stdio};

use crate::support::Place;

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let place = Place::new();
    place
        .run(&["run", "command", "--input", &Place::shell("seq 1 20000")])
        .expect(0);
    for args in [&["logs", "last"][..], &["show", "last"], &["list"], &["--help"]] {
        let mut command = place.command(args);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command");
        drop(child.stdout.take());
        let out = child.wait_with_output().expect("its end");
        assert_eq!(
            (out.status.code(), &*String::from_utf8_lossy(&out.stderr)),
            (Some(0), ""),
            "{args:?}"
        );
    }
}

#[test]
fn a_result_that_cannot_be_written_is_told() {
    let Ok(full) = OpenOptions::new().write(true).open("/dev/full") else {
        eprintln!("skipped: no /dev/full");
        return;
    };
    let place = Place::new();
    place
        .run(&["run", "command", "--input", &Place::shell("true")])
        .expect(0);
    let mut command = place.command(&["show", "last"]);
    let out = command
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .expect("the command");
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(4), "{stderr}");
    assert!(stderr.contains("the result could not be written"), "{stderr}");
}

#[test]
fn progress_can_be_left_out() {
    let place = Place::new();
    let out = place
        .run(&[
            "run",
            "command",
            "--progress",
            "none",
            "--input",
            &Place::shell("echo x"),
        ])
        .expect(0);
    assert_eq!(out.stderr, "");
}

#[test]
fn what_agents_write_obeys_nobody_in_remarks() {
    let place = Place::new();
    let shell = Place::shell("printf '\\033[2Jboo\\n'");
    let out = place.run(&["run", "command", "--input", &shell]).expect(0);
    assert!(
        out.stderr.contains(" [2Jboo") && !out.stderr.contains('\u{1b}'),
        "{out:#?}"
    );
    // Programs get it as it was written.
    assert_eq!(place.run(&["logs", "last"]).expect(0).stdout, "\u{1b}[2Jboo\n");
}

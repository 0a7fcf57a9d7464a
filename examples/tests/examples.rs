//! Every example is run, and what it prints is what it should.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

fn printed(program: &str) -> String {
    let output = Command::new(program).output().expect("the example starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn hello() {
    assert_eq!(printed(env!("CARGO_BIN_EXE_hello")), "hello ada\n");
}

#[test]
fn fan_out() {
    assert_eq!(
        printed(env!("CARGO_BIN_EXE_fan_out")),
        "1\n2\n`half[2]` failed: 5 is odd\n50\n"
    );
}

#[test]
fn checkpoint() {
    assert_eq!(printed(env!("CARGO_BIN_EXE_checkpoint")), "published: hello world\n");
}

#[test]
fn graph() {
    assert_eq!(printed(env!("CARGO_BIN_EXE_graph")), "floor\nwalls\nbeams\nroof\n");
}

/// Killed between its two agents and started again, it counts once and ends as if nothing had happened.
#[test]
fn survivor() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("survivor.db");
    let mut first = Command::new(env!("CARGO_BIN_EXE_survivor"))
        .arg(&file)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the example starts");
    let mut lines = BufReader::new(first.stdout.take().expect("its output"))
        .lines()
        .map_while(Result::ok);
    assert_eq!(lines.next().as_deref(), Some("counting"));
    assert_eq!(lines.next().as_deref(), Some("counted"));
    first.kill().expect("SIGKILL");
    first.wait().expect("it is gone");

    let second = Command::new(env!("CARGO_BIN_EXE_survivor"))
        .arg(&file)
        .output()
        .expect("the example starts");
    assert!(second.status.success(), "{}", String::from_utf8_lossy(&second.stderr));
    assert_eq!(String::from_utf8_lossy(&second.stdout), "counted\n6 words\n");
}

/// The promise of the README: a program that survives fits on one screen.
#[test]
fn the_survivor_is_short() {
    let lines = include_str!("../rust/survivor.rs").lines().count();
    assert!(lines < 40, "{lines} lines");
}

//! Wrong input: one clear line, and the status for wrong usage.

use std::fs;

use crate::support::{Place, write};

#[test]
fn words_that_make_no_sense() {
    let place = Place::new();
    for (args, words) in [
        (&["fly"][..], &["unrecognized subcommand 'fly'"][..]),
        (&["lst"], &["'list'"]),
        (&["run", "command", "--slot", "3"], &["'--slots'"]),
        (&["run", "command", "--slots", "0"], &["1..=1024"]),
        (&["list", "--state", "happy"], &["happy"]),
        (&["decide", "x", "maybe"], &["accept, correct, reject"]),
        (
            &["run", "cod_review"],
            &["did you mean `code_review`?", "code_review, ", "checkpoint"],
        ),
        (&["run", "command", "--model", "m"], &["--model-url"]),
        (&["list", "--log", "a=b=c"], &["--log"]),
    ] {
        place.run(args).complains(2, words);
    }
    assert!(!place.database().exists(), "nothing was made for what makes no sense");
}

#[test]
fn inputs_that_are_no_input() {
    let place = Place::new();
    write(&place.path("empty.json"), " \n");
    write(&place.path("broken.json"), "{\n  \"argv\": [,]\n}");
    fs::write(place.path("binary.json"), [0xff, 0xfe, 0]).expect("a file");
    for (input, words) in [
        ("{\"argv\":", &["--input is not JSON", "line 1 column 8"][..]),
        ("", &["--input is empty"]),
        ("@empty.json", &["empty.json is empty"]),
        ("@broken.json", &["broken.json is not JSON", "line 2 column 12"]),
        ("@binary.json", &["binary.json", "UTF-8"]),
        ("@missing.json", &["missing.json", "No such file"]),
        ("-", &["standard input is empty"]),
    ] {
        place.run(&["run", "command", "--input", input]).complains(2, words);
    }
    assert!(!place.database().exists());
}

#[test]
fn repositories_that_are_none() {
    let place = Place::new();
    write(&place.path("file"), "");
    for (args, words) in [
        (&["--repo", "missing"][..], &["missing", "No such file"][..]),
        (&["--repo", "file"], &["file is not a folder"]),
        (&[], &["needs --repo"]),
        (&["--repo", ".", "--input", "[1]"], &["JSON object"]),
        (&["--repo", ".", "--out", "file/below"], &["file/below cannot be made"]),
    ] {
        place
            .run(&[&["run", "code_review"][..], args].concat())
            .complains(2, words);
    }
}

#[test]
fn an_input_that_the_agent_refuses_names_the_field() {
    let place = Place::new();
    let args = ["run", "command", "--progress", "none", "--input"];
    let out = place.run(&[&args[..], &["{\"argv\": \"ls\"}"]].concat());
    out.complains(1, &["argv"]);
    let out = place.run(&[&args[..], &["{\"argv\": [\"no-such-program-here\"]}"]].concat());
    out.complains(1, &["no-such-program-here", "install it"]);
}

#[test]
fn a_configuration_that_makes_no_sense() {
    let place = Place::new();
    for (text, words) in [
        ("slot = 3", &["c.toml: `slot` is not a key; did you mean `slots`?"][..]),
        ("[run]\nslots = 'many'", &["c.toml: invalid value 'many' for '--slots"]),
        ("slots = = 3", &["c.toml: line 1"]),
        ("[fly]\nx = 1", &["`fly` is not a key"]),
    ] {
        write(&place.path("c.toml"), text);
        place
            .run(&["--config", "c.toml", "run", "command", "--input", "{}"])
            .complains(2, words);
    }
    place
        .run(&["list", "--config", "missing.toml"])
        .complains(2, &["missing.toml", "cannot be read"]);
    // Whoever looks for help finds it all the same.
    assert!(
        place
            .run(&["--config", "c.toml", "--help"])
            .expect(0)
            .stdout
            .contains("Examples:")
    );
}

#[test]
fn tasks_that_are_not_there() {
    let place = Place::new();
    place.run(&["show", "last"]).complains(2, &["nothing has run here yet"]);
    place
        .run(&["run", "command", "--input", &Place::shell("true")])
        .expect(0);
    for (args, words) in [
        (
            &["show", "00000000-0000-7000-8000-000000000000"][..],
            &["there is no task"][..],
        ),
        (&["why", "beef"], &["no task's id begins or ends with `beef`"]),
        (&["cancel", "xyzzy"], &["`xyzzy` names no task"]),
        (&["decide", "last", "accept"], &["no checkpoint waits"]),
        (&["logs"], &["TASK"]),
    ] {
        place.run(args).complains(2, words);
    }
    let id = place.show("last")["id"].as_str().expect("an id").to_owned();
    place
        .run(&["decide", &id, "accept"])
        .complains(2, &["not a checkpoint"]);
}

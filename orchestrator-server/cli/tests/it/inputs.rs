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
        (
            &["run", "llm", "--input", "{}"],
            &["`llm` needs a model", "--model-url"],
        ),
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
    fs::create_dir_all(place.path("taken/report.md")).expect("a folder");
    for (args, words) in [
        (&["--repo", "missing"][..], &["missing", "No such file"][..]),
        (&["--repo", "file"], &["file is not a folder"]),
        (&[], &["needs --repo"]),
        (&["--repo", ".", "--input", "[1]"], &["JSON object"]),
        (&["--repo", ".", "--out", "file/below"], &["file/below cannot be made"]),
        // Found out before the work and not after it.
        (
            &["--repo", ".", "--out", "taken"],
            &["taken/report.md cannot be written"],
        ),
        (
            &["--input", "{\"repo\": \"no/such\"}"],
            &["the repository no/such", "No such file"],
        ),
    ] {
        place
            .run(&[&["run", "code_review"][..], args].concat())
            .complains(2, words);
    }
}

#[test]
fn a_repository_named_in_the_input_is_found_again_from_elsewhere() {
    let place = Place::new();
    let repo = place.repository("repo", &[("a.py".to_owned(), "x = 1\n".to_owned())]);
    place
        .run(&["run", "code_review", "--input", "{\"repo\": \"repo\"}"])
        .expect(0);
    let named = place.show("last")["input"]["repo"]
        .as_str()
        .map(std::path::PathBuf::from);
    assert_eq!(named, repo.canonicalize().ok());
}

#[test]
fn changes_of_what_has_no_history_cannot_be_reviewed() {
    let place = Place::new();
    place.repository("repo", &[("a.py".to_owned(), "x = 1\n".to_owned())]);
    let args = [
        "run",
        "code_review",
        "--repo",
        "repo",
        "--changed-since",
        "main",
        "--progress",
        "none",
    ];
    let out = place.run(&args);
    out.complains(
        1,
        &["changes since \"main\" cannot be listed: not a git repository; `orchestrator retry"],
    );
}

#[test]
fn a_type_of_any_length_is_one_line_that_fits() {
    let place = Place::new();
    let out = place.run(&["run", &"x".repeat(5_000)]).expect(2);
    assert!(out.stderr.lines().count() == 1 && out.stderr.len() < 400, "{out:#?}");
}

#[test]
fn a_home_that_is_no_place_is_none() {
    let place = Place::new();
    for home in ["", "somewhere"] {
        let mut command = place.command(&["run", "command", "--input", &Place::shell("true")]);
        command.env_remove("ORCHESTRATOR_DATABASE").env("HOME", home);
        place
            .begin(command)
            .end()
            .complains(2, &["no home folder", "--database"]);
        assert!(!place.path(".local").exists() && !place.path("somewhere").exists());
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

//! `list`, `show`, `logs`, `why`, `watch` and `agents`, for people and for programs.

use serde_json::json;

use crate::support::Place;

#[test]
fn help_is_complete() {
    let place = Place::new();
    let help = place.run(&["--help"]).expect(0).stdout;
    for word in [
        "run", "list", "show", "watch", "logs", "why", "cancel", "retry", "decide", "agents",
    ] {
        assert!(help.contains(word), "no {word} in {help}");
        let page = place.run(&[word, "--help"]).expect(0).stdout;
        assert!(page.contains("Usage: orchestrator"), "{page}");
        assert!(page.contains("[env: ORCHESTRATOR_JSON]"), "{page}");
    }
    assert!(place.run(&["--version"]).expect(0).stdout.starts_with("orchestrator "));
    assert_eq!(place.run::<&str>(&[]).expect(2).stdout, "");
}

#[test]
fn what_can_be_run_is_listed() {
    let place = Place::new();
    let types = place.run(&["agents"]).expect(0).stdout;
    assert!(types.lines().any(|line| line == "command") && types.lines().any(|line| line == "code_review"));
    assert!(
        place
            .run(&["agents", "--json"])
            .expect(0)
            .json()
            .as_array()
            .is_some_and(|a| a.len() > 3)
    );
}

#[test]
fn lists_are_filtered_and_paged() {
    let place = Place::new();
    for (text, code) in [("one", 0), ("two", 1), ("three", 0)] {
        let shell = Place::shell(&format!("exit {code}"));
        let args = [
            "run",
            "command",
            "--attempts",
            "1",
            "--description",
            text,
            "--label",
            "kind:test",
            "--input",
        ];
        place.run(&[&args[..], &[&shell]].concat()).expect(code);
    }
    let page = place.run(&["list", "--json", "--limit", "2"]).expect(0).json();
    let described = |page: &serde_json::Value| -> Vec<String> {
        let items = page["items"].as_array().expect("items").iter();
        items
            .map(|t| t["description"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    assert_eq!(described(&page), ["three", "two"]);
    let cursor = page["next_cursor"].as_str().expect("a cursor").to_owned();
    let rest = place.run(&["list", "--json", "--cursor", &cursor]).expect(0).json();
    assert_eq!(described(&rest), ["one"]);
    assert_eq!(rest["next_cursor"], json!(null));
    for (filter, expected) in [
        (&["--state", "failed"][..], &["two"][..]),
        (&["--text", "THR"], &["three"]),
        (&["--label", "kind:other"], &[]),
        (&["--type", "command", "--state", "succeeded"], &["three", "one"]),
    ] {
        let page = place.run(&[&["list", "--json"][..], filter].concat()).expect(0).json();
        assert_eq!(described(&page), expected, "{filter:?}");
    }
    let text = place.run(&["list"]).expect(0).stdout;
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(
        place
            .run(&["list", "--text", "nothing"])
            .expect(0)
            .stdout
            .contains("no tasks")
    );
    place.run(&["list", "--cursor", "garbage"]).complains(2, &["cursor"]);
}

#[test]
fn descriptions_of_any_length_stay_on_their_line() {
    let place = Place::new();
    let long = format!("\u{1b}[31m🚀 مراجعة {}\nsecond line", "y".repeat(10_000));
    place
        .run(&[
            "run",
            "command",
            "--input",
            &Place::shell("true"),
            "--description",
            &long,
        ])
        .expect(0);
    let list = place.run(&["list"]).expect(0).stdout;
    assert!(list.lines().count() == 1 && list.len() < 400, "{list}");
    assert!(
        list.contains("🚀 مراجعة yyy") && list.ends_with("…\n") && !list.contains('\u{1b}'),
        "{list}"
    );
    let shown = place.run(&["show", "last"]).expect(0).stdout;
    assert!(shown.len() < 2_000 && !shown.contains('\u{1b}'), "{shown}");
    // Programs get all of it.
    assert_eq!(place.show("last")["description"], long.as_str());
}

#[test]
fn a_tree_is_shown_and_its_lines_are_kept() {
    let place = Place::new();
    let repo = place.repository("repo", &[("a.py".to_owned(), "x = 1\n".to_owned())]);
    let repo = repo.to_str().expect("a path");
    place.run(&["run", "code_review", "--repo", repo]).expect(0);
    let shown = place.run(&["show", "--last"]).expect(0).stdout;
    assert!(
        shown.contains("code_review  succeeded") && shown.contains("file[0]"),
        "{shown}"
    );
    let shown = place.run(&["show", "last", "--json"]).expect(0).json();
    let tasks = shown["tree"]["tasks"].as_array().expect("tasks");
    assert_eq!(tasks[0]["id"], shown["task"]["id"]);
    assert!(tasks.len() >= 4, "{tasks:?}");
    let lines = place.run(&["logs", "last"]).expect(0).stdout;
    assert!(lines.contains("1 file(s) to review"), "{lines}");
    let lines = place.run(&["logs", "last", "--tree"]).expect(0).stdout;
    assert!(lines.contains("file[0]: a.py"), "{lines}");
    let lines = place.run(&["logs", "last", "--tree", "--json"]).expect(0).json_lines();
    assert!(
        lines
            .iter()
            .any(|l| l["step"] == "file[0]" && l["text"] == "a.py" && l["stream"] == "log")
    );
    let why = place.run(&["why", "last"]).expect(0).stdout;
    assert!(why.contains("it has succeeded"), "{why}");
    assert_eq!(
        place.run(&["why", "last", "--json"]).expect(0).json()["reasons"][0]["code"],
        "succeeded"
    );
}

#[test]
fn a_task_is_named_by_either_end_of_its_id() {
    let place = Place::new();
    for _ in 0..2 {
        place
            .run(&["run", "command", "--input", &Place::shell("true")])
            .expect(0);
    }
    let id = place.show("last")["id"].as_str().expect("an id").to_owned();
    assert_eq!(place.show(&id[id.len() - 8..])["id"], *id);
    assert_eq!(place.show(&id.to_uppercase())["id"], *id);
    // Ids begin with the time, and these two are of the same minute.
    place
        .run(&["show", &id[..6]])
        .complains(2, &["could be 2 tasks", &id, "more of the id"]);
}

#[test]
fn a_run_is_watched_and_its_lines_followed_from_elsewhere() {
    let place = Place::new();
    let shell = Place::shell("echo begin; until test -e go; do sleep 0.05; done; echo end");
    let mut running = place.start(&["run", "command", "--input", &shell]);
    running.says("command: begin");
    let mut watching = place.start(&["watch", "last"]);
    let events = place.start(&["watch", "last", "--json"]);
    let following = place.start(&["logs", "last", "--follow"]);
    watching.says("command: begin");
    crate::support::write(&place.path("go"), "");
    running.end().expect(0);
    let watched = watching.end().expect(0);
    assert!(watched.stdout.trim_end().ends_with("succeeded"), "{watched:#?}");
    let events = events.end().expect(0).json_lines();
    assert_eq!(events[0]["type"], "task_created", "{events:?}");
    assert!(events.iter().any(|e| e["state"] == "succeeded"), "{events:?}");
    assert_eq!(following.end().expect(0).stdout, "begin\nend\n");
}

#[test]
fn whoever_only_watches_cancels_nothing() {
    let place = Place::new();
    let shell = Place::shell("until test -e go; do sleep 0.05; done");
    let running = place.start(&["run", "command", "--input", &shell]);
    crate::support::eventually("a task", || place.run(&["show", "last"]).code == Some(0));
    place.wait_for_state("last", "running");
    for args in [&["watch", "last"][..], &["watch", "last", "--json"]] {
        let watching = place.start(args);
        std::thread::sleep(std::time::Duration::from_millis(700));
        watching.signal("INT");
        watching.end().expect(3);
    }
    assert_eq!(place.show("last")["state"], "running");
    crate::support::write(&place.path("go"), "");
    running.end().expect(0);
}

//! The commands that talk to a server, and the server of `dev`.

use crate::support::{Out, Place, Running, eventually, write};

/// A server with a worker, as `orchestrator dev` runs them.
struct Dev {
    place: Place,
    running: Running,
    url: String,
}

impl Dev {
    fn start() -> Self {
        let place = Place::new();
        let mut running = place.start(&["dev", "--listen", "127.0.0.1:0", "--slots", "4"]);
        running.says("until Ctrl-C");
        let said = running.stderr();
        let url = said.split_whitespace().find(|word| word.starts_with("http://"));
        let url = url.expect("a URL").trim_end_matches(',').to_owned();
        Self { place, running, url }
    }

    /// Runs a command against the server.
    fn run(&self, args: &[&str]) -> Out {
        let mut command = self.place.command(args);
        command.env("ORCHESTRATOR_URL", &self.url);
        self.place.begin(command).end()
    }
}

#[test]
fn a_task_goes_through_a_server_and_comes_back() {
    let dev = Dev::start();
    let workers = dev.run(&["workers", "--json"]).expect(0).json();
    assert_eq!(workers["items"][0]["name"], "dev");
    let script = Place::shell("echo one; echo two >&2; exit 0");
    let done = dev
        .run(&["submit", "command", "--input", &script, "--wait", "--json"])
        .expect(0)
        .json();
    assert_eq!(done["output"]["stdout"], "one\n");
    let id = done["id"].as_str().expect("an id");
    for args in [&["show", id, "--json"][..], &["show", "last", "--json"]] {
        assert_eq!(dev.run(args).expect(0).json()["task"]["state"], "succeeded");
    }
    let listed = dev.run(&["list", "--json"]).expect(0).json();
    assert_eq!(listed["items"][0]["id"], id);
    let lines = dev.run(&["logs", id, "--json"]).expect(0).json_lines();
    assert!(lines.iter().any(|line| line["text"] == "two"), "{lines:?}");
    assert_eq!(dev.run(&["why", id, "--json"]).expect(0).json()["state"], "succeeded");
    let events = dev.run(&["watch", id, "--json"]).expect(0).json_lines();
    assert_eq!(events[0]["type"], "task_created");
    let failing = Place::shell("exit 3");
    dev.run(&["submit", "command", "--input", &failing, "--attempts", "1", "--wait"])
        .expect(1);
    let mut dev = dev;
    dev.running.signal("INT");
    dev.running.says("stopping");
    dev.running.end().expect(0);
}

#[test]
fn a_review_through_a_server_is_asked_for_and_written_as_one_here() {
    let dev = Dev::start();
    let files = [
        ("src/a.py".to_owned(), "def f(x):\n    return eval(x)\n".to_owned()),
        ("b.py".to_owned(), "def g(x):\n    return eval(x)\n".to_owned()),
    ];
    dev.place.repository("repo", &files);
    let args = ["submit", "code_review", "--repo", "repo", "--exclude", "src/**"];
    let written = dev.run(&[&args[..], &["--wait", "--out", "out"]].concat()).expect(0);
    assert!(written.stderr.contains("wrote out/report.md"), "{written:#?}");
    let report = std::fs::read_to_string(dev.place.path("out/report.md")).expect("the report");
    assert!(report.contains("b.py") && !report.contains("src/a.py"), "{report}");
    let printed = dev.run(&[&args[..], &["--wait"]].concat()).expect(0);
    assert_eq!(printed.stdout.trim(), report.trim());
    dev.run(&[&args[..], &["--out", "out"]].concat())
        .complains(2, &["--out needs --wait"]);
    dev.run(&["submit", "code_review"]).complains(2, &["--repo"]);
    let here = dev.run(&["run", "command", "--input", &Place::shell("true")]).expect(0);
    assert!(here.stderr.contains("this runs here"), "{here:#?}");
}

#[test]
fn who_waits_feels_a_restart_of_the_server_as_a_pause() {
    let Dev { place, running, url } = Dev::start();
    let script = Place::shell("touch started; until test -e go; do sleep 0.05; done; echo done");
    let mut command = place.command(&["submit", "command", "--input", &script, "--wait", "--json"]);
    command.env("ORCHESTRATOR_URL", &url);
    let waiting = place.begin(command);
    eventually("it runs", || place.path("started").exists());
    running.signal("KILL");
    running.end();
    write(&place.path("go"), "");
    let listen = url.trim_start_matches("http://");
    let mut again = place.start(&["dev", "--listen", listen, "--slots", "4"]);
    again.says("until Ctrl-C");
    assert_eq!(waiting.end().expect(0).json()["output"]["stdout"], "done\n");
}

#[test]
fn people_step_in_from_far_away() {
    let dev = Dev::start();
    let asked = dev.run(&[
        "submit",
        "checkpoint",
        "--input",
        r#"{"question": "Publish?"}"#,
        "--json",
    ]);
    let id = asked.expect(0).json()["id"].as_str().expect("an id").to_owned();
    dev.run(&["decide", "last", "correct", "--feedback", "shorter"])
        .expect(0);
    let task = dev.run(&["show", &id, "--json"]).expect(0).json();
    assert_eq!(task["task"]["output"]["feedback"], "shorter");
    dev.run(&["decide", &id, "accept"]).complains(2, &["decided"]);

    let sleeper = Place::shell("sleep 600");
    let long = dev.run(&["submit", "command", "--input", &sleeper]).expect(0).stdout;
    let long = long.trim();
    dev.run(&["cancel", long]).expect(0);
    assert_eq!(
        dev.run(&["show", long, "--json"]).expect(0).json()["task"]["state"],
        "cancelled"
    );
    dev.run(&["retry", long, "--out", "x"]).complains(2, &["--out"]);

    dev.run(&["limits", "set", "provider:x"])
        .complains(2, &["--max-running"]);
    dev.run(&["limits", "set", "provider:x", "--max-running", "2"])
        .expect(0);
    assert!(dev.run(&["limits"]).expect(0).stdout.contains("provider:x  2 at once"));
    let minted = dev
        .run(&["token", "create", "ci", "--role", "submitter", "--json"])
        .expect(0)
        .json();
    let token = minted["id"].as_str().expect("an id");
    assert!(minted["secret"].as_str().is_some_and(|secret| secret.len() > 60));
    dev.run(&["token", "revoke", token]).expect(0);
    dev.run(&["token", "create", "ci", "--role", "king"]).expect(2);
    dev.run(&["workers", "drain", "nobody"]).complains(2, &["nobody"]);
    dev.run(&["workers", "drain", "dev"]).expect(0);
}

#[test]
fn a_server_that_is_not_there_is_told_apart_from_wrong_usage() {
    let place = Place::new();
    place
        .run(&["list", "--server", "http://127.0.0.1:9"])
        .complains(4, &["127.0.0.1:9", "cannot be reached"]);
    place
        .run(&["list", "--server", "nonsense"])
        .complains(2, &["http://host:8080"]);
    let dev = Dev::start();
    dev.run(&["show", "0190c9a2-0000-7000-8000-000000000000"])
        .complains(2, &["no task"]);
    dev.run(&["submit", "command", "--input", "{"])
        .complains(2, &["--input is not JSON"]);
    // Taken in, as a worker that knows it may come; but not without a word.
    let unknown = dev.run(&["submit", "nonsense"]).expect(0);
    assert!(
        unknown.stderr.contains("does not have the agent `nonsense`"),
        "{unknown:?}"
    );
    dev.run(&["list", "--cursor", "x"]).complains(2, &["cursor"]);
}

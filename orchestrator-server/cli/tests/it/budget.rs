//! What a task may spend.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use serde_json::json;

use crate::support::Place;

/// A model that finds nothing, for 100 tokens each time.
fn frugal_model() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || answer(stream));
        }
    });
    url
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line)? > 2 {
        let (name, value) = line.split_once(':').unwrap_or_default();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    reader.read_exact(&mut vec![0; length])?;
    let choice = json!({"message": {"content": "{\"findings\": []}"}, "finish_reason": "stop"});
    let usage = json!({"prompt_tokens": 90, "completion_tokens": 10});
    let body = json!({"model": "m", "choices": [choice], "usage": usage}).to_string();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// Nothing more starts, what was spent is said, what was paid for is kept, and whoever retries lets it go on.
#[test]
fn a_review_stops_when_its_budget_is_spent_and_goes_on_when_somebody_says_so() {
    let place = Place::new();
    let files: Vec<_> = (0..6)
        .map(|n| (format!("f{n}.py"), format!("def f{n}(x):\n    return x + {n}\n")))
        .collect();
    place.repository("repo", &files);
    let url = frugal_model();
    let args = [
        "run",
        "code_review",
        "--repo",
        "repo",
        "--slots",
        "1",
        "--model",
        "m",
        "--model-url",
        &url,
    ];
    let stopped = place.run(&[&args[..], &["--budget-tokens", "250"]].concat());
    let said = stopped.expect(1).stderr;
    let last = said.lines().last().expect("a line");
    assert!(
        last.starts_with("error: stopped: the budget is spent (300 of 250 tokens)"),
        "{last}"
    );
    assert!(last.contains("`orchestrator retry "), "{last}");
    let task = place.run(&["show", "last", "--json"]).expect(0).json()["task"].clone();
    assert_eq!(
        (&task["state"], &task["budget"]["tokens"]),
        (&json!("paused"), &json!(250))
    );
    assert_eq!(task["tree_usage"]["input_tokens"], 270, "{task}");
    let why = place.run(&["why", "last"]).expect(0).stdout;
    assert!(why.contains("300 of 250 tokens"), "{why}");

    place.run(&["retry", "last"]).expect(0);
    let task = place.run(&["show", "last", "--json"]).expect(0).json()["task"].clone();
    assert_eq!(task["state"], "succeeded");
    // One question to see that the model is there, and one for each file.
    let spent = &task["tree_usage"]["input_tokens"];
    assert_eq!(spent, 7 * 90, "no file was paid for twice");
    // The same in money, where the price is known.
    let priced = place.run(&[&args[..], &["--model-price", "1000:0", "--budget", "0.25"]].concat());
    let said = priced.expect(1).stderr;
    assert!(said.contains("the budget is spent (0.2700 of 0.2500 USD)"), "{said}");
    place.run(&["retry", "last"]).expect(0);
    let task = place.run(&["show", "last", "--json"]).expect(0).json()["task"].clone();
    assert_eq!(task["tree_usage"]["cost_usd"], 0.63, "the price is remembered");
    let unpriced = place.run(&[&args[..], &["--budget", "0.25"]].concat()).expect(0).stderr;
    assert!(unpriced.contains("--model-price"), "{unpriced}");
    for nonsense in ["-1", "much", "NaN"] {
        let args = [&args[..], &["--budget", nonsense]].concat();
        place.run(&args).complains(2, &["--budget"]);
    }
}

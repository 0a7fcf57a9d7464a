//! The live view, on a terminal that `script` makes.

use std::process::Command;

use crate::support::{Out, Place};

/// Runs the command on a terminal; what the terminal got is its standard output.
fn on_a_terminal(place: &Place, args: &str, env: &[(&str, &str)]) -> Option<Out> {
    if Command::new("script").arg("--version").output().is_err() {
        eprintln!("skipped: no script(1) to make a terminal with");
        return None;
    }
    let mut command = place.command::<&str>(&[]);
    let line = format!("stty cols 60 rows 20; exec {} {args}", command.get_program().display());
    let mut script = Command::new("script");
    script.args(["-qec", &line, "/dev/null"]).env_clear();
    for (name, value) in command.get_envs().filter_map(|(n, v)| Some((n, v?))) {
        script.env(name, value);
    }
    script
        .current_dir(place.path(""))
        .env("TERM", "xterm")
        .envs(env.iter().copied());
    command.env_clear();
    Some(place.begin(script).end())
}

#[test]
fn a_fan_out_of_many_is_one_line_with_a_bar() {
    let place = Place::new();
    place.program(
        "shellcheck",
        "test \"$1\" = --version && echo version: 1.0 || { sleep 0.05; echo '[]'; }",
    );
    let files: Vec<_> = (0..30)
        .map(|i| (format!("f{i}.sh"), "#!/bin/sh\n".to_owned()))
        .collect();
    place.repository("repo", &files);
    let Some(out) = on_a_terminal(&place, "run code_review --repo repo --out out", &[]) else {
        return;
    };
    let out = out.expect(0);
    assert!(
        out.stdout.contains("\u{1b}[?25l") && out.stdout.contains("\u{1b}[?25h"),
        "the cursor comes back"
    );
    assert!(out.stdout.contains("] ") && out.stdout.contains("/30"), "{out:#?}");
    assert!(out.stdout.contains("\u{1b}[32m"), "it is coloured");
    let frames: Vec<&str> = out.stdout.split("\u{1b}[?2026h").collect();
    assert!(frames.len() > 2, "{out:#?}");
    assert!(frames.iter().all(|f| f.matches("\r\n").count() <= 20), "{out:#?}");
    assert!(out.stdout.contains("code_review succeeded after"), "{out:#?}");
}

#[test]
fn terminals_that_can_do_less_get_less() {
    let place = Place::new();
    let run = "run command --input '{\"argv\": [\"sh\", \"-c\", \"echo grüße; sleep 0.3\"]}'";
    let Some(plain) = on_a_terminal(&place, run, &[("NO_COLOR", "1"), ("LANG", "C")]) else {
        return;
    };
    let plain = plain.expect(0);
    assert!(
        plain.stdout.contains("> command") && !plain.stdout.contains("\u{1b}[36m"),
        "{plain:#?}"
    );
    assert!(
        plain.stdout.contains("gr??e") || plain.stdout.contains("gr????e"),
        "{plain:#?}"
    );
    let dumb = on_a_terminal(&place, run, &[("TERM", "dumb")])
        .expect("a terminal")
        .expect(0);
    assert!(
        !dumb.stdout.contains('\u{1b}') && dumb.stdout.contains("command running"),
        "{dumb:#?}"
    );
}

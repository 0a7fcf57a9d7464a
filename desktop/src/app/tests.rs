//! Every screen in every state, driven as a person would: by what is written on it, and by keys.

use std::sync::Arc;

use iced::{
    Event, Size,
    event::Status,
    keyboard::{
        self, Key, Location, Modifiers,
        key::{Named, NativeCode, Physical},
    },
};
use iced_test::Simulator;
use orchestrator_desktop_model::{
    Failure, FailureKind, fleet,
    settings::{Mode, Settings},
    testing::{self, at, id, task},
    tree,
};
use orchestrator_protocol::{Checkpoint, Json, LogLine, Page, Seq, TaskState, Tree, Why, Worker};
use serde_json::json;

use super::{App, Message, Start, keys::Pressed};
use crate::{
    connection::Update,
    screen::{Route, task as task_screen, tasks},
    theme::{font, size},
};

const LARGE: Size = Size::new(1440.0, 900.0);

fn app() -> App {
    App::with(Start::default(), Settings::default()).0
}

fn looking_at(app: &App, size: Size) -> Simulator<'_, Message> {
    let settings = iced::Settings {
        fonts: font::FILES.into_iter().map(Into::into).collect(),
        default_font: font::BODY,
        default_text_size: size::BODY.into(),
        ..iced::Settings::default()
    };
    Simulator::with_size(settings, size, app.view())
}

/// Presses what these words are written on, and lets the app do what follows at once.
fn click(app: &mut App, words: &str) {
    let mut simulator = looking_at(app, LARGE);
    simulator
        .click(words)
        .unwrap_or_else(|error| panic!("{words}: {error}"));
    let messages: Vec<Message> = simulator.into_messages().collect();
    for message in messages {
        let _ = app.update(message);
    }
}

#[track_caller]
fn shows(app: &App, words: &str) {
    assert!(looking_at(app, LARGE).find(words).is_ok(), "`{words}` is not shown");
}

#[track_caller]
fn hides(app: &App, words: &str) {
    assert!(looking_at(app, LARGE).find(words).is_err(), "`{words}` is shown");
}

/// Presses a key: first what is shown may take it, then the app.
fn press(app: &mut App, key: Key, modifiers: Modifiers) {
    let pressed = keyboard::Event::KeyPressed {
        key: key.clone(),
        modified_key: key.clone(),
        physical_key: Physical::Unidentified(NativeCode::Unidentified),
        location: Location::Standard,
        modifiers,
        text: None,
        repeat: false,
    };
    let mut simulator = looking_at(app, LARGE);
    let taken = simulator.simulate([Event::Keyboard(pressed)]) == [Status::Captured];
    let messages: Vec<Message> = simulator.into_messages().collect();
    for message in messages {
        let _ = app.update(message);
    }
    let _ = app.update(Message::Key(Pressed::new(key, modifiers, taken)));
}

fn letter(letter: &str) -> Key {
    Key::Character(letter.into())
}

fn worker() -> Worker {
    serde_json::from_value(json!({
        "id": id(900), "name": "build-machine", "state": "online", "labels": ["os:linux"], "task_types": ["test"],
        "slots": 4, "running": 1, "cpu_percent": 41.0, "memory_percent": 62.0, "disk_percent": null,
        "last_seen_at": at(0.0)
    }))
    .expect("a worker")
}

fn checkpoint(n: u64, question: &str) -> Checkpoint {
    Checkpoint {
        task: task(n, None, TaskState::Waiting),
        question: question.to_owned(),
        content: Json::NULL,
        evaluation: Json::NULL,
        context: Json::NULL,
    }
}

fn connected() -> App {
    let mut app = app();
    let mut failed = task(8, None, TaskState::Failed);
    failed.error = serde_json::from_value(json!({"class": "terminal", "message": "it broke"})).ok();
    let mut snapshot = fleet::Snapshot {
        workers: vec![worker()],
        checkpoints: vec![checkpoint(7, "Shall I go on?")],
        failing: vec![failed],
        ..fleet::Snapshot::default()
    };
    snapshot.stats.by_state = [(TaskState::Running, 3), (TaskState::Failed, 12_345)].into();
    let _ = app.update(Message::Fleet(Update::Opened(Box::new(snapshot))));
    app
}

fn listed(app: &mut App, count: u64) {
    let _ = app.update(Message::Go(Route::Tasks));
    let items = (0..count).rev().map(|n| task(n, None, TaskState::Running)).collect();
    let page = Page {
        items,
        next_cursor: None,
    };
    let _ = app.update(Message::Tasks(tasks::Message::First(0, Ok(page))));
}

fn opened(app: &mut App, tasks: Vec<orchestrator_protocol::Task>) {
    let _ = app.update(Message::Go(Route::Task(tasks[0].id)));
    let snapshot = tree::Snapshot {
        history: vec![
            testing::state(1, 0.0, 1, TaskState::Ready, 0),
            testing::state(2, 1.0, 1, TaskState::Running, 1),
        ],
        why: Why {
            state: tasks[0].state,
            reasons: vec![orchestrator_protocol::Reason::new(
                "no_worker",
                "no worker offers `gpu`",
            )],
        },
        tree: Tree {
            tasks,
            edges: Vec::new(),
        },
    };
    told(app, task_screen::Message::Told(Update::Opened(Box::new(snapshot))));
}

fn told(app: &mut App, message: task_screen::Message) {
    let _ = app.update(Message::Task(message));
}

#[test]
fn before_anything_has_come() {
    let mut app = app();
    shows(&app, "Asking the server…");
    let _ = app.update(Message::Fleet(Update::Lost("connection refused".to_owned())));
    shows(&app, "No server answers at http://127.0.0.1:8080");
    click(&mut app, "Choose a server");
    assert_eq!(app.route, Route::Settings);
    let denied = Failure::new(FailureKind::Denied, "the token is not known");
    let _ = app.update(Message::Fleet(Update::Ended(denied)));
    shows(&app, "Not connected");
}

#[test]
fn the_overview_leads_to_what_it_counts() {
    let mut app = connected();
    for words in ["12.3k", "Shall I go on?", "it broke", "build-machine", "1 of 4 in use"] {
        shows(&app, words);
    }
    click(&mut app, "Failed");
    assert_eq!(app.route, Route::Tasks);
    press(&mut app, Key::Named(Named::Escape), Modifiers::empty());
    assert_eq!(app.route, Route::Overview);
    click(&mut app, "Shall I go on?");
    assert_eq!(app.route, Route::Checkpoints(Some(id(7))));
}

#[test]
fn a_lost_connection_is_said_and_everything_stays() {
    let mut app = connected();
    let _ = app.update(Message::Fleet(Update::Lost("it was closed".to_owned())));
    shows(&app, "Reconnecting…");
    shows(&app, "build-machine");
    let snapshot = fleet::Snapshot::default();
    let _ = app.update(Message::Fleet(Update::Opened(Box::new(snapshot))));
    hides(&app, "Reconnecting…");
}

#[test]
fn a_checkpoint_that_opens_is_said() {
    let mut app = connected();
    let all = vec![checkpoint(9, "May I delete it?"), checkpoint(7, "Shall I go on?")];
    let _ = app.update(Message::Refreshed(vec![fleet::Part::Checkpoints(all)]));
    shows(&app, "An agent asks: May I delete it?");
    hides(&app, "An agent asks: Shall I go on?");
    assert!(app.title().starts_with("(2)"));
}

#[test]
fn the_list_of_tasks_in_all_its_states() {
    let mut app = connected();
    let _ = app.update(Message::Go(Route::Tasks));
    shows(&app, "Asking the server…");
    let strange = Failure::new(FailureKind::Strange, "missing field `queue`");
    let _ = app.update(Message::Tasks(tasks::Message::First(0, Err(strange))));
    shows(&app, "missing field `queue`");
    listed(&mut app, 0);
    shows(&app, "No tasks yet");
    listed(&mut app, 3);
    click(&mut app, "Task 1");
    assert_eq!(app.route, Route::Task(id(1)));
}

#[test]
fn the_keyboard_goes_through_the_list() {
    let mut app = connected();
    listed(&mut app, 30);
    for _ in 0..3 {
        press(&mut app, Key::Named(Named::ArrowDown), Modifiers::empty());
    }
    press(&mut app, Key::Named(Named::Space), Modifiers::empty());
    shows(&app, "1 task chosen");
    press(&mut app, letter("a"), Modifiers::CTRL);
    shows(&app, "30 tasks chosen");
    click(&mut app, "Cancel");
    shows(&app, "Cancel 30 tasks?");
    click(&mut app, "Leave them");
    hides(&app, "Cancel 30 tasks?");
    press(&mut app, Key::Named(Named::Escape), Modifiers::empty());
    hides(&app, "30 tasks chosen");
    press(&mut app, Key::Named(Named::Enter), Modifiers::empty());
    assert_eq!(app.route, Route::Task(id(27)));
}

#[test]
fn of_a_hundred_thousand_rows_only_what_is_seen_is_made() {
    let mut app = connected();
    listed(&mut app, 100_000);
    shows(&app, "Task 99999");
    hides(&app, "Task 99000");
    shows(&app, "100.0k shown");
}

#[test]
fn a_task_from_all_sides() {
    let mut app = connected();
    let mut root = task(1, None, TaskState::Succeeded);
    root.output = Some(
        json!({"scores": {"overall": 6.5, "verdict": "needs_work"}, "findings": [{"severity": "high", "message": "A key"}],
            "diff": "--- a/x.rs\n+++ b/x.rs\n@@ -1 +1 @@\n-old line\n+new line\n"})
        .into(),
    );
    opened(
        &mut app,
        vec![
            root,
            task(2, Some(1), TaskState::Running),
            task(3, Some(1), TaskState::Failed),
        ],
    );
    shows(&app, "2 tasks below");
    click(&mut app, "Findings");
    shows(&app, "A key");
    shows(&app, "needs work");
    click(&mut app, "Changes");
    shows(&app, "new line");
    click(&mut app, "History");
    shows(&app, "running");
    press(&mut app, letter("3"), Modifiers::empty());
    shows(&app, "Asking for the output…");
    let lines = |texts: &[&str]| Page {
        items: (1..).zip(texts).map(|(n, text)| line(n, text)).collect(),
        next_cursor: None,
    };
    let came = task_screen::output::Message::Came(id(1), Ok(lines(&["compiling", "مرحبا 🚀", "done"])));
    told(&mut app, task_screen::Message::Output(came));
    shows(&app, "مرحبا 🚀");
    told(&mut app, task_screen::Message::Choose(id(3)));
    click(&mut app, "Retry");
    hides(&app, "Cancel this task?");
    told(&mut app, task_screen::Message::Choose(id(2)));
    click(&mut app, "Cancel");
    shows(&app, "Cancel this task?");
    press(&mut app, Key::Named(Named::Escape), Modifiers::empty());
    hides(&app, "Cancel this task?");
    assert_eq!(
        app.route,
        Route::Task(id(1)),
        "Esc has closed the question, and no more"
    );
}

fn line(n: i64, text: &str) -> LogLine {
    LogLine {
        seq: Seq(n),
        at: at(n as f64),
        stream: "stdout".to_owned(),
        text: text.to_owned(),
    }
}

#[test]
fn why_a_task_waits_and_what_became_of_it() {
    let mut app = connected();
    opened(&mut app, vec![task(1, None, TaskState::Ready)]);
    shows(&app, "no worker offers `gpu`");
    let events: Arc<[_]> = [testing::state(3, 2.0, 1, TaskState::Running, 1)].into();
    told(&mut app, task_screen::Message::Told(Update::Happened(events)));
    hides(&app, "no worker offers `gpu`");
    let gone = Failure::new(FailureKind::Missing, "there is no such task");
    told(&mut app, task_screen::Message::Told(Update::Ended(gone.clone())));
    shows(&app, "Task 1");
    let _ = app.update(Message::Go(Route::Task(id(5))));
    shows(&app, "Asking the server…");
    told(&mut app, task_screen::Message::Told(Update::Ended(gone)));
    shows(&app, "there is no such task");
    click(&mut app, "Back");
    assert_eq!(app.route, Route::Task(id(1)));
}

#[test]
fn things_are_found_by_typing() {
    let mut app = connected();
    listed(&mut app, 3);
    press(&mut app, letter("k"), Modifiers::CTRL);
    shows(&app, "Go to workers");
    let typed = |text: &str| Message::Palette(super::palette::Message::Typed(text.to_owned()));
    let _ = app.update(typed("task 2"));
    shows(&app, "Search the tasks for “task 2”");
    let _ = app.update(Message::Palette(super::palette::Message::Run(None)));
    assert_eq!(app.route, Route::Task(id(2)));
    press(&mut app, letter("k"), Modifiers::CTRL);
    let _ = app.update(typed("worker"));
    click(&mut app, "Go to workers");
    assert_eq!(app.route, Route::Workers);
    press(&mut app, letter("n"), Modifiers::CTRL);
    assert_eq!(app.route, Route::NewTask);
    let _ = app.update(Message::Back);
    press(&mut app, letter("n"), Modifiers::empty());
    assert_eq!(app.route, Route::NewTask, "browsers keep the other one");
    press(&mut app, letter("k"), Modifiers::CTRL);
    press(&mut app, Key::Named(Named::Escape), Modifiers::empty());
    assert_eq!(app.route, Route::NewTask, "Esc has closed the palette, and no more");
}

/// The arrows would go through the inbox otherwise, and from one work to another behind the palette.
#[test]
fn an_open_palette_keeps_its_arrows_to_itself() {
    let mut app = connected();
    let two = vec![checkpoint(7, "Shall I go on?"), checkpoint(8, "Is this right?")];
    let snapshot = fleet::Snapshot {
        checkpoints: two,
        ..fleet::Snapshot::default()
    };
    let _ = app.update(Message::Fleet(Update::Opened(Box::new(snapshot))));
    let _ = app.update(Message::Go(Route::Checkpoints(None)));
    press(&mut app, letter("k"), Modifiers::CTRL);
    let mut simulator = looking_at(&app, LARGE);
    let _ = simulator.tap_key(Named::ArrowDown);
    let messages: Vec<Message> = simulator.into_messages().collect();
    assert!(
        matches!(&messages[..], [Message::Palette(super::palette::Message::Step(true))]),
        "{messages:?}"
    );
}

#[test]
fn every_screen_fits_every_window_light_and_dark() {
    let mut app = connected();
    opened(
        &mut app,
        vec![task(1, None, TaskState::Running), task(2, Some(1), TaskState::Ready)],
    );
    listed(&mut app, 50);
    let routes = [
        Route::Overview,
        Route::Tasks,
        Route::Task(id(1)),
        Route::Checkpoints(None),
        Route::Workers,
        Route::NewTask,
        Route::Settings,
    ];
    for mode in [Mode::Light, Mode::Dark] {
        app.shared.settings.mode = mode;
        for size in [Size::new(1024.0, 768.0), LARGE, Size::new(2560.0, 1440.0)] {
            let _ = app.update(Message::Resized(size));
            for route in routes {
                let _ = app.update(Message::Go(route));
                let mut simulator = looking_at(&app, size);
                // Drawing takes its time: the smallest window has everything that could go wrong.
                if size.width < 1_200.0 {
                    assert!(simulator.snapshot(&app.theme()).is_ok(), "{route:?} at {size:?}");
                }
            }
        }
    }
}

use iced::{
    Point,
    mouse::{self, ScrollDelta},
};
use orchestrator_desktop_model::{
    FailureKind,
    testing::{id, worker},
};
use serde_json::json;

use super::*;
use crate::screen::testing::{look, shared, shows};

fn act(screen: &mut NewTaskForm, shared: &Shared, what: impl FnOnce(&mut iced_test::Simulator<'_, Message>)) {
    let messages: Vec<Message> = {
        let mut view = look(screen.view(shared));
        what(&mut view);
        view.into_messages().collect()
    };
    for message in messages {
        let _ = screen.update(message, shared);
    }
}

/// The choices are below what fits into a small window.
fn scroll_to_the_end(view: &mut iced_test::Simulator<'_, Message>) {
    view.point_at(Point::new(900.0, 300.0));
    let delta = ScrollDelta::Pixels { x: 0.0, y: -10_000.0 };
    let _ = view.simulate([iced::Event::Mouse(mouse::Event::WheelScrolled { delta })]);
}

fn with_worker() -> Shared {
    shared(vec![worker(1, "Studio")], Vec::new())
}

#[test]
fn types_that_workers_offer_are_one_click_away() {
    let (mut screen, shared) = (NewTaskForm::default(), with_worker());
    act(&mut screen, &shared, |view| {
        let _ = view.click("review").expect("a type");
    });
    assert_eq!(screen.form.text(Field::Type), "review");
    assert!(shows(screen.view(&shared), "Offered by Studio."));
    let _ = screen.update(Message::Set(Field::Type, "other".to_owned()), &shared);
    let waits = "No worker that is connected offers this type: the task would wait for one.";
    assert!(shows(screen.view(&shared), waits));
}

#[test]
fn the_parts_of_a_job_are_found_by_who_looks_for_them_alone() {
    let mut worker = worker(1, "Studio");
    worker.task_types = ["review", "review.file", "plan.a"].map(str::to_owned).into();
    let (mut screen, shared) = (NewTaskForm::default(), shared(vec![worker], Vec::new()));
    let offers = |screen: &NewTaskForm, kind: &str| shows(screen.view(&shared), kind);
    assert!(offers(&screen, "review") && offers(&screen, "plan.a"));
    assert!(!offers(&screen, "review.file"));
    let _ = screen.update(Message::Set(Field::Type, "rev".to_owned()), &shared);
    assert!(offers(&screen, "review.file"));
    let _ = screen.update(Message::Set(Field::Type, "review".to_owned()), &shared);
    assert!(!offers(&screen, "review.file"));
}

#[test]
fn without_a_worker_it_says_so() {
    let screen = NewTaskForm::default();
    let nobody = shared(Vec::new(), Vec::new());
    assert!(shows(
        screen.view(&nobody),
        "No worker is connected: a task would wait for one."
    ));
}

#[test]
fn a_mistake_is_named_at_once_and_an_empty_field_when_one_tries() {
    let (mut screen, shared) = (NewTaskForm::default(), with_worker());
    assert!(!shows(screen.view(&shared), "Choose which agent runs it."));
    act(&mut screen, &shared, |view| {
        drop(view.click("Create task").expect("a button"));
    });
    assert!(shows(screen.view(&shared), "Choose which agent runs it."));
    assert!(!screen.sending);
    let _ = screen.update(Message::Set(Field::Attempts, "0".to_owned()), &shared);
    assert!(shows(
        screen.view(&shared),
        "Write a whole number from 1 on, or nothing."
    ));
    assert!(shows(screen.view(&shared), "2 fields need a change."));
    let pasted = Edit::Paste(std::sync::Arc::new("{\"a\": ]".to_owned()));
    let _ = screen.update(Message::Input(Action::Edit(pasted)), &shared);
    assert!(shows(
        screen.view(&shared),
        "Not JSON: expected value (line 1, column 7)."
    ));
}

#[test]
fn what_the_server_refuses_is_shown_at_its_field_until_that_is_changed() {
    let (mut screen, shared) = (NewTaskForm::default(), with_worker());
    let _ = screen.update(Message::Set(Field::Type, "review".to_owned()), &shared);
    act(&mut screen, &shared, |view| {
        drop(view.click("Create task").expect("a button"));
    });
    assert!(screen.sending);
    assert!(shows(screen.view(&shared), "Creating…"));
    let failure = Failure {
        fields: vec![("requires[0]".to_owned(), "this is no label".to_owned())],
        ..Failure::new(FailureKind::Refused, "one field is wrong")
    };
    let _ = screen.update(Message::Submitted(Err(failure)), &shared);
    assert!(shows(screen.view(&shared), "this is no label"));
    let _ = screen.update(Message::Set(Field::Requires, "gpu".to_owned()), &shared);
    assert!(!shows(screen.view(&shared), "this is no label"));
    let gone = Failure::new(FailureKind::Unreachable, "nobody answers");
    let _ = screen.update(Message::Submitted(Err(gone)), &shared);
    assert!(shows(screen.view(&shared), "nobody answers"));
    assert_eq!(screen.form.text(Field::Requires), "gpu", "nothing is lost");
}

#[test]
fn a_created_task_is_shown_and_the_form_is_empty_again() {
    let (mut screen, shared) = (NewTaskForm::default(), with_worker());
    let _ = screen.update(Message::Set(Field::Type, "review".to_owned()), &shared);
    let (_, event) = screen.update(Message::Submitted(Ok(id(3))), &shared);
    assert_eq!(event, Some(Event::Go(Route::Task(id(3)))));
    assert!(screen.form.is_blank());
}

#[test]
fn the_last_input_can_be_taken_unless_it_is_too_large() {
    let (mut screen, shared) = (NewTaskForm::default(), with_worker());
    let _ = screen.update(Message::Set(Field::Type, "review".to_owned()), &shared);
    let example = |value: serde_json::Value| Message::Exampled("review".to_owned(), Ok(Some(Json::from(value))));
    let _ = screen.update(example(json!({"a": "مرحبا"})), &shared);
    assert_eq!(screen.form.text(Field::Input), "{\n  \"a\": \"مرحبا\"\n}");
    assert!(shows(screen.view(&shared), "This is JSON."));
    let _ = screen.update(example(json!("x".repeat(10_000_000))), &shared);
    assert!(shows(screen.view(&shared), "The input of the last one is too large."));
    assert!(screen.form.text(Field::Input).starts_with('{'), "what is there stays");
    let other = Message::Exampled("write".to_owned(), Ok(Some(Json::NULL)));
    let _ = screen.update(other, &shared);
    assert!(
        screen.form.text(Field::Input).starts_with('{'),
        "an answer for another type is late"
    );
}

#[test]
fn choices_and_clearing() {
    let (mut screen, shared) = (NewTaskForm::default(), with_worker());
    act(&mut screen, &shared, |view| {
        let _ = view.click("Local workers only").expect("a choice");
    });
    for choice in ["Never", "Does harm"] {
        act(&mut screen, &shared, |view| {
            scroll_to_the_end(view);
            let _ = view.click(choice).expect("a choice");
        });
    }
    let _ = screen.update(Message::Set(Field::Type, "review".to_owned()), &shared);
    let task = screen.form.task().expect("a task");
    assert_eq!(
        (task.privacy, task.checkpoint_frequency, task.side_effects),
        (Privacy::Sensitive, CheckpointFrequency::None, SideEffects::Once)
    );
    act(&mut screen, &shared, |view| {
        drop(view.click("Clear").expect("a button"));
    });
    assert!(screen.form.is_blank());
}

/// A screen with the type `review` written, whose workers announced a schema.
fn with_fields() -> (NewTaskForm, Shared) {
    let (mut screen, mut shared) = (NewTaskForm::default(), with_worker());
    let schema = json!({
        "required": ["repo"],
        "properties": {
            "repo": {"type": "string", "title": "Repository", "description": "Where it is."},
            "files": {"type": "integer", "minimum": 1, "default": 8},
            "level": {"enum": ["low", "high"]},
            "trust": {"type": "boolean", "default": false},
            "paths": {"type": "array", "items": {"type": "string"}},
            "model": {"properties": {"name": {"type": "string", "title": "Model name"}}},
        },
    });
    shared.fleet.types = vec![orchestrator_protocol::TaskType {
        name: "review".to_owned(),
        input_schema: Some(schema.into()),
        online: 1,
    }];
    let _ = screen.update(Message::Set(Field::Type, "review".to_owned()), &shared);
    (screen, shared)
}

fn spot(screen: &NewTaskForm, key: &str) -> Spot {
    let shape = screen.shape.as_ref().expect("fields");
    let found = shape.spots().find(|(_, slot)| slot.key == key);
    found.expect("a field").0
}

#[test]
fn a_type_with_a_schema_has_fields() {
    let (mut screen, shared) = with_fields();
    for words in [
        "Repository *",
        "Where it is.",
        "Files",
        "It must be at least 1.",
        "One a line.",
        "Model name",
    ] {
        assert!(shows(screen.view(&shared), words), "{words}");
    }
    act(&mut screen, &shared, |view| drop(view.click("high").expect("a choice")));
    act(&mut screen, &shared, |view| {
        scroll_to_the_end(view);
        drop(view.click("Yes").expect("an answer"));
    });
    let repo = spot(&screen, "repo");
    let _ = screen.update(Message::Line(repo, "/srv/مستودع".to_owned()), &shared);
    let pasted = Edit::Paste(std::sync::Arc::new("src\n*.py".to_owned()));
    let paths = spot(&screen, "paths");
    let _ = screen.update(Message::Lines(paths, Action::Edit(pasted)), &shared);
    let task = screen.form.task().expect("a task");
    let input = json!({"repo": "/srv/مستودع", "level": "high", "trust": true, "paths": ["src", "*.py"]});
    assert_eq!(task.input, input.into());
}

#[test]
fn mistakes_in_fields_are_named_there() {
    let (mut screen, shared) = with_fields();
    let files = spot(&screen, "files");
    assert!(!shows(screen.view(&shared), "This is needed."));
    let _ = screen.update(Message::Line(files, "none".to_owned()), &shared);
    assert!(shows(screen.view(&shared), "Write a whole number."));
    act(&mut screen, &shared, |view| {
        drop(view.click("Create task").expect("a button"));
    });
    assert!(!screen.sending && shows(screen.view(&shared), "This is needed."));
    assert!(shows(screen.view(&shared), "2 fields need a change."));
}

#[test]
fn what_is_written_goes_along_between_fields_and_json() {
    let (mut screen, shared) = with_fields();
    let (repo, files) = (spot(&screen, "repo"), spot(&screen, "files"));
    let _ = screen.update(Message::Line(repo, "/srv".to_owned()), &shared);
    let _ = screen.update(Message::Line(files, "many".to_owned()), &shared);
    act(&mut screen, &shared, |view| drop(view.click("JSON").expect("a switch")));
    let text = screen.form.text(Field::Input).to_owned();
    assert_eq!(
        Json::parse(text).expect("JSON"),
        json!({"repo": "/srv", "files": "many"}).into()
    );
    act(&mut screen, &shared, |view| {
        drop(view.click("Fields").expect("a switch"));
    });
    let fields = screen.form.fields.as_ref().expect("fields");
    assert_eq!(
        (fields.text(repo), fields.text(files)),
        ("/srv".to_owned(), "many".to_owned())
    );
    let _ = screen.update(Message::AsJson(true), &shared);
    screen.set(Field::Input, "{\"repo\": \"/new\", \"more\": 1}".to_owned());
    let _ = screen.update(Message::AsJson(false), &shared);
    assert!(shows(screen.view(&shared), "Also in the input, without a field: more."));
    assert_eq!(
        screen.form.task().expect("a task").input,
        json!({"repo": "/new", "more": 1}).into()
    );
    let _ = screen.update(Message::AsJson(true), &shared);
    screen.set(Field::Input, "[1".to_owned());
    let _ = screen.update(Message::AsJson(false), &shared);
    assert!(shows(screen.view(&shared), "Fields need JSON: mend it first."));
    assert_eq!(screen.form.text(Field::Input), "[1", "nothing is lost");
}

#[test]
fn a_schema_that_comes_later_takes_what_is_written() {
    let (mut screen, shared) = (NewTaskForm::default(), with_worker());
    let _ = screen.update(Message::Set(Field::Type, "review".to_owned()), &shared);
    screen.set(Field::Input, "{\"repo\": \"/srv\"}".to_owned());
    assert!(screen.form.fields.is_none());
    let (_, later) = with_fields();
    screen.learn(&later);
    let repo = spot(&screen, "repo");
    assert_eq!(screen.form.fields.as_ref().expect("fields").text(repo), "/srv");
    let _ = screen.update(Message::Set(Field::Type, "write".to_owned()), &later);
    assert!(screen.form.fields.is_none(), "this type has none");
    assert!(screen.form.text(Field::Input).contains("/srv"), "nothing is lost");
}

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
    for choice in ["Local workers only", "Never", "Does harm"] {
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

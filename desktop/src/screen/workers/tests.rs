use orchestrator_desktop_model::{
    Link,
    testing::{id, task, worker},
};
use orchestrator_protocol::{Worker, WorkerState};

use super::*;
use crate::screen::testing::{look, shared, shows, unknown};

fn act(screen: &mut Workers, shared: &Shared, what: impl FnOnce(&mut iced_test::Simulator<'_, Message>)) -> Vec<Event> {
    let messages: Vec<Message> = {
        let mut view = look(screen.view(shared));
        what(&mut view);
        view.into_messages().collect()
    };
    let events = messages
        .into_iter()
        .filter_map(|message| screen.update(message, shared).1);
    events.collect()
}

fn two() -> Vec<Worker> {
    let mut draining = worker(2, "جهاز 🚀");
    draining.state = WorkerState::Draining;
    vec![worker(1, "Studio"), draining]
}

#[test]
fn before_the_first_answer_and_without_anything() {
    let screen = Workers::default();
    let mut unknown = unknown();
    assert!(shows(screen.view(&unknown), "Asking the server…"));
    unknown.link = Link::Ended(Failure::new(FailureKind::Denied, "the token is wrong"));
    assert!(shows(screen.view(&unknown), "the token is wrong"));
    assert!(shows(
        screen.view(&shared(Vec::new(), Vec::new())),
        "No worker is connected"
    ));
}

#[test]
fn a_machine_that_measures_nothing_says_so() {
    let mut silent = worker(1, "Studio");
    (silent.cpu_percent, silent.memory_percent, silent.disk_percent) = (None, None, None);
    let screen = Workers::default();
    let silent = shared(vec![silent], Vec::new());
    assert!(shows(screen.view(&silent), "It does not say how busy its machine is."));
    assert!(!shows(screen.view(&silent), "CPU"));
}

#[test]
fn machines_with_what_they_offer_and_run() {
    let mut screen = Workers::default();
    let shared = shared(two(), Vec::new());
    let mut running = task(7, None, TaskState::Running);
    running.worker_id = Some(worker(1, "").id);
    let _ = screen.update(Message::Running(Ok(vec![running])), &shared);
    for text in [
        "1 online · 1 draining · 2 running on 4 slots",
        "Studio",
        "جهاز 🚀",
        "1 of 4 slots",
        "42 %",
        "62 %",
        "–",
        "tool:ruff",
        "review",
        "Draining",
        "Takes no more tasks",
    ] {
        assert!(shows(screen.view(&shared), text), "{text}");
    }
    let events = act(&mut screen, &shared, |view| {
        drop(view.click("Task 7").expect("the task"));
    });
    assert_eq!(events, [Event::Go(Route::Task(id(7)))]);
}

#[test]
fn a_drain_is_confirmed_or_given_up() {
    let mut screen = Workers::default();
    let shared = shared(two(), Vec::new());
    act(&mut screen, &shared, |view| {
        drop(view.click("Drain").expect("a button"));
    });
    assert!(shows(screen.view(&shared), "Drain this worker?"));
    act(&mut screen, &shared, |view| {
        let _ = view.tap_key(Named::Escape);
    });
    assert!(!shows(screen.view(&shared), "Drain this worker?"));
    act(&mut screen, &shared, |view| {
        drop(view.click("Drain").expect("a button"));
    });
    act(&mut screen, &shared, |view| {
        drop(view.click("Drain it").expect("a button"));
    });
    assert!(shows(screen.view(&shared), "Draining…"));
    let (_, event) = screen.update(Message::Drained(Ok("Studio".to_owned())), &shared);
    assert_eq!(
        event,
        Some(Event::Say(Tone::Good, "Studio takes no more tasks.".to_owned()))
    );
    let refused = Failure::new(FailureKind::Denied, "an admin may");
    let (_, event) = screen.update(Message::Drained(Err(refused)), &shared);
    assert_eq!(event, None);
    assert!(shows(screen.view(&shared), "an admin may"));
    let gone = Failure::new(FailureKind::Missing, "no such worker");
    let (_, event) = screen.update(Message::Drained(Err(gone)), &shared);
    assert!(matches!(event, Some(Event::Say(Tone::Attention, _))));
}

#[test]
fn a_worker_that_vanishes_takes_its_question_with_it() {
    let mut screen = Workers::default();
    let before = shared(two(), Vec::new());
    act(&mut screen, &before, |view| {
        drop(view.click("Drain").expect("a button"));
    });
    let after = shared(two().split_off(1), Vec::new());
    assert!(!shows(screen.view(&after), "Drain this worker?"));
    assert!(shows(screen.view(&after), "جهاز 🚀"));
}

#[test]
fn a_filter_that_nothing_fits_can_be_taken_back() {
    let mut screen = Workers::default();
    let shared = shared(two(), Vec::new());
    let _ = screen.update(Message::Filter("studio".to_owned()), &shared);
    assert!(!shows(screen.view(&shared), "جهاز 🚀"));
    let _ = screen.update(Message::Filter("none".to_owned()), &shared);
    act(&mut screen, &shared, |view| {
        drop(view.click("Show all").expect("a button"));
    });
    assert!(shows(screen.view(&shared), "Studio"));
}

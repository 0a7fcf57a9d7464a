use iced::keyboard::key::Named;
use orchestrator_desktop_model::{Link, testing::id};
use serde_json::json;

use super::*;
use crate::screen::testing::{checkpoint, look, shared, shows, unknown};

/// What happens when a person does something with the view.
fn act(
    screen: &mut Checkpoints,
    shared: &Shared,
    what: impl FnOnce(&mut iced_test::Simulator<'_, Message>),
) -> Vec<Event> {
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

/// Work of which the list shows something else than the page.
fn work(text: &str) -> serde_json::Value {
    json!({"for": "The list", "text": text})
}

fn two() -> Shared {
    shared(
        Vec::new(),
        vec![checkpoint(2, work("Second work")), checkpoint(1, work("First work"))],
    )
}

#[test]
fn before_the_first_answer_and_without_anything() {
    let screen = Checkpoints::default();
    let mut unknown = unknown();
    assert!(shows(screen.view(&unknown), "Asking the server…"));
    unknown.link = Link::Ended(Failure::new(FailureKind::Denied, "the token is wrong"));
    assert!(shows(screen.view(&unknown), "the token is wrong"));
    assert!(shows(
        screen.view(&shared(Vec::new(), Vec::new())),
        "Nothing waits for you"
    ));
}

#[test]
fn the_work_stands_beside_what_helps_to_decide() {
    let (screen, shared) = (Checkpoints::default(), two());
    for text in [
        "2 wait",
        "First work",
        "Scores",
        "6.5",
        "Security",
        "1 finding",
        "A key is in the code",
        "ada",
        "Not yet",
        "branch",
        "main",
    ] {
        assert!(shows(screen.view(&shared), text), "{text}");
    }
    assert!(!shows(screen.view(&shared), "Second work"));
}

#[test]
fn accepting_brings_up_the_next_one() {
    let (mut screen, shared) = (Checkpoints::default(), two());
    act(&mut screen, &shared, |view| {
        drop(view.click("Accept").expect("a button"));
    });
    assert!(shows(screen.view(&shared), "Second work"));
    assert!(shows(screen.view(&shared), "1 waits"));
    act(&mut screen, &shared, |view| {
        let _ = view.typewrite("a");
    });
    assert!(shows(screen.view(&shared), "Nothing waits for you"));
    let (_, event) = screen.update(
        Message::Decided(id(2), Verdict::Accept, "Q".to_owned(), Ok(())),
        &shared,
    );
    assert_eq!(event, Some(Event::Say(Tone::Good, "Accepted: Q".to_owned())));
}

#[test]
fn corrections_need_words_and_keep_them() {
    let (mut screen, shared) = (Checkpoints::default(), two());
    act(&mut screen, &shared, |view| {
        drop(view.click("Correct").expect("a button"));
    });
    act(&mut screen, &shared, |view| {
        drop(view.click("Correct").expect("a button"));
    });
    let missing = "Say what to change: the agent gets it word by word.";
    assert!(shows(screen.view(&shared), missing));
    act(&mut screen, &shared, |view| {
        view.click(iced_test::selector::id(feedback_id())).expect("the field");
        view.typewrite("accept راجع");
    });
    assert_eq!(
        screen.feedback(id(1)),
        "accept راجع",
        "letters in a field are no commands"
    );
    assert!(!shows(screen.view(&shared), missing));
    let failure = Failure::new(FailureKind::Unreachable, "nobody answers");
    act(&mut screen, &shared, |view| {
        drop(view.click("Correct").expect("a button"));
    });
    assert!(shows(screen.view(&shared), "Second work"));
    let refused = Message::Decided(id(1), Verdict::Correct, String::new(), Err(Refusal::Failed(failure)));
    let (_, event) = screen.update(refused, &shared);
    assert!(matches!(event, Some(Event::Say(Tone::Bad, _))));
    assert!(shows(screen.view(&shared), "nobody answers"));
    assert!(shows(screen.view(&shared), "First work"), "it waits again");
    assert_eq!(screen.feedback(id(1)), "accept راجع", "nothing is lost");
}

#[test]
fn what_is_sent_back_is_found_again() {
    let mut screen = Checkpoints::default();
    let asked = |n, asker, words| {
        let mut checkpoint = checkpoint(n, work(words));
        checkpoint.task.parent_id = Some(id(asker));
        checkpoint
    };
    let before = shared(Vec::new(), vec![asked(11, 1, "First work")]);
    act(&mut screen, &before, |view| {
        view.click(iced_test::selector::id(feedback_id())).expect("the field");
        view.typewrite("Shorter");
    });
    act(&mut screen, &before, |view| {
        drop(view.click("Correct").expect("a button"));
    });
    assert!(shows(screen.view(&before), "Sent back with your corrections"));
    let (_, event) = screen.update(
        Message::Decided(id(11), Verdict::Correct, "Q".to_owned(), Ok(())),
        &before,
    );
    let words = "Sent back with corrections: Q\nThe revision comes up here when the agent has it.";
    assert_eq!(event, Some(Event::Say(Tone::Good, words.to_owned())));

    // Another one is looked at when the revision comes.
    let other = shared(Vec::new(), vec![asked(12, 2, "Second work")]);
    assert!(shows(screen.view(&other), "Second work"));
    assert!(shows(screen.view(&other), "1 waits · 1 sent back"));
    act(&mut screen, &other, |view| {
        let _ = view.typewrite("j");
        drop(view.click("Question 12").expect("the other one"));
    });
    let both = shared(
        Vec::new(),
        vec![asked(12, 2, "Second work"), asked(13, 1, "Revised work")],
    );
    assert!(shows(screen.view(&both), "Second work"), "nothing is replaced unasked");
    assert!(shows(screen.view(&both), "After your correction"));
    act(&mut screen, &both, |view| {
        drop(view.click("Show it").expect("a button"));
    });
    for words in ["Revised work", "You asked for: Shorter"] {
        assert!(shows(screen.view(&both), words), "{words}");
    }
    assert!(!shows(screen.view(&both), "Show it"));
}

#[test]
fn a_page_is_read_as_a_page() {
    let page = "# Review of `shop`\n\n**Verdict: fair**\n\n| dimension | score |\n|---|--:|\n| security | 3.0 |";
    let screen = Checkpoints::default();
    let shared = shared(Vec::new(), vec![checkpoint(1, json!({"page": page}))]);
    for words in ["Review of shop", "Verdict: fair", "dimension", "security"] {
        assert!(shows(screen.view(&shared), words), "{words}");
    }
    assert!(!shows(screen.view(&shared), page));
}

#[test]
fn a_rejection_is_meant_twice() {
    let (mut screen, shared) = (Checkpoints::default(), two());
    act(&mut screen, &shared, |view| {
        let _ = view.typewrite("r");
    });
    assert!(shows(screen.view(&shared), "Really reject"));
    act(&mut screen, &shared, |view| {
        let _ = view.tap_key(Named::Escape);
    });
    assert!(!shows(screen.view(&shared), "Really reject"));
    assert!(shows(screen.view(&shared), "First work"));
    act(&mut screen, &shared, |view| {
        let _ = view.typewrite("r");
    });
    act(&mut screen, &shared, |view| {
        drop(view.click("Really reject").expect("a button"));
    });
    assert!(shows(screen.view(&shared), "Second work"));
}

#[test]
fn somebody_else_was_first() {
    let (mut screen, before) = (Checkpoints::default(), two());
    act(&mut screen, &before, |view| {
        let _ = view.tap_key(Named::ArrowDown);
    });
    assert!(shows(screen.view(&before), "Second work"));
    let after = shared(Vec::new(), vec![checkpoint(1, work("First work"))]);
    assert!(shows(screen.view(&after), "This one waits no more"));
    let events = act(&mut screen, &after, |view| {
        let _ = view.typewrite("a");
    });
    assert!(events.is_empty(), "nothing is accepted that is not seen");
    assert!(shows(screen.view(&after), "This one waits no more"));
    act(&mut screen, &after, |view| {
        drop(view.click("Show the next one").expect("a button"));
    });
    assert!(shows(screen.view(&after), "First work"));
    let late = Message::Decided(
        id(1),
        Verdict::Accept,
        "Q".to_owned(),
        Err(Refusal::Late(Some(Verdict::Reject))),
    );
    let (_, event) = screen.update(late, &after);
    let words = "Somebody else was first – rejected: Q".to_owned();
    assert_eq!(event, Some(Event::Say(Tone::Attention, words)));
}

#[test]
fn ten_megabytes_in_any_language() {
    let mut screen = Checkpoints::default();
    let shared = shared(Vec::new(), vec![checkpoint(1, json!("سطر 🚀\n".repeat(840_000)))]);
    assert!(shows(screen.view(&shared), "839.6k more lines"));
    let events = act(&mut screen, &shared, |view| {
        drop(view.click("Copy the work").expect("a button"));
    });
    assert!(matches!(&events[..], [Event::Copy(text)] if text.len() > 10_000_000));
}

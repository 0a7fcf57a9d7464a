use orchestrator_desktop_model::settings::{Server, Settings};

use super::*;
use crate::screen::testing::{look, shared, shows};

fn act(
    screen: &mut SettingsScreen,
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

fn two() -> Shared {
    let server = |url: &str, name: &str| Server {
        url: url.to_owned(),
        name: name.to_owned(),
    };
    Shared {
        settings: Settings {
            servers: vec![server("http://a:1", ""), server("https://b", "مكتب 🏢")],
            ..Settings::default()
        },
        ..shared(Vec::new(), Vec::new())
    }
}

fn kept(events: &[Event]) -> &Settings {
    match events {
        [Event::Keep(settings)] => settings,
        other => panic!("kept settings, not {other:?}"),
    }
}

#[test]
fn themes_and_servers_are_chosen() {
    let (mut screen, shared) = (SettingsScreen::default(), two());
    for text in ["http://a:1", "In use, live", "مكتب 🏢", "https://b"] {
        assert!(shows(screen.view(&shared), text), "{text}");
    }
    let events = act(&mut screen, &shared, |view| {
        let _ = view.click("Dark").expect("a theme");
    });
    assert_eq!(kept(&events).mode, Mode::Dark);
    let events = act(&mut screen, &shared, |view| {
        let _ = view.click("Use").expect("a button");
    });
    assert_eq!(kept(&events).current, 1);
}

#[test]
fn a_server_is_added_once_its_address_is_one() {
    let (mut screen, shared) = (SettingsScreen::default(), two());
    act(&mut screen, &shared, |view| {
        drop(view.click("Add a server").expect("a button"));
    });
    let events = act(&mut screen, &shared, |view| {
        let _ = view.click("Add").expect("a button");
    });
    assert!(events.is_empty());
    assert!(shows(
        screen.view(&shared),
        "Write the server's address, like http://127.0.0.1:8080."
    ));
    for wrong in [
        "localhost:8080",
        "http://u:secret@a",
        "http://a/?token=secret",
        "http://a:1",
    ] {
        let _ = screen.update(Message::Url(wrong.to_owned()), &shared);
        let events = act(&mut screen, &shared, |view| {
            let _ = view.click("Add").expect("a button");
        });
        assert!(events.is_empty(), "{wrong}");
        assert!(
            screen.wrong.as_ref().is_some_and(|why| !why.contains("secret")),
            "{wrong}"
        );
    }
    let _ = screen.update(Message::Url(" http://c ".to_owned()), &shared);
    let _ = screen.update(Message::Token(Secret("t0ken".to_owned())), &shared);
    let events = act(&mut screen, &shared, |view| {
        let _ = view.click("Add").expect("a button");
    });
    let settings = kept(&events);
    assert_eq!(settings.servers[2].url, "http://c");
    let file = serde_json::to_string(settings).expect("JSON");
    assert!(!file.contains("t0ken"), "{file}");
    assert!(!format!("{screen:?}").contains("t0ken"));
}

#[test]
fn escape_gives_a_draft_up() {
    let (mut screen, shared) = (SettingsScreen::default(), two());
    act(&mut screen, &shared, |view| {
        drop(view.click("Change").expect("a button"));
    });
    assert!(shows(screen.view(&shared), "Forget the token"));
    act(&mut screen, &shared, |view| {
        let _ = view.tap_key(Named::Escape);
    });
    assert!(!shows(screen.view(&shared), "Forget the token"));
}

#[test]
fn a_test_says_what_it_found() {
    let (mut screen, shared) = (SettingsScreen::default(), two());
    act(&mut screen, &shared, |view| {
        let _ = view.click("Test").expect("a button");
    });
    assert!(shows(screen.view(&shared), "Asking it…"));
    let url = "http://a:1".to_owned();
    let found = Found {
        workers: 2,
        with_token: true,
    };
    let late = Message::Tried("http://other".to_owned(), Ok(found));
    let _ = screen.update(late, &shared);
    assert!(shows(screen.view(&shared), "Asking it…"), "another one's answer");
    let _ = screen.update(Message::Tried(url.clone(), Ok(found)), &shared);
    assert!(shows(
        screen.view(&shared),
        "It answers. The token is accepted. 2 workers are connected."
    ));
    for (kind, words) in [
        (
            FailureKind::Denied,
            "The server does not let you in: no. Check the token, and that its role allows to look.",
        ),
        (
            FailureKind::Unreachable,
            "The server cannot be reached: no. Check that the server runs and that the address is right.",
        ),
    ] {
        act(&mut screen, &shared, |view| {
            let _ = view.click("Test").expect("a button");
        });
        let _ = screen.update(Message::Tried(url.clone(), Err(Failure::new(kind, "no."))), &shared);
        assert!(shows(screen.view(&shared), words), "{words}");
    }
}

#[test]
fn where_a_token_is_kept_is_said() {
    let (mut screen, shared) = (SettingsScreen::default(), two());
    let url = "http://a:1".to_owned();
    let in_memory = Kept::InMemory("no keyring".to_owned());
    let message = Message::Kept(url.clone(), Some(Secret("t0ken".to_owned())), in_memory);
    assert!(!format!("{message:?}").contains("t0ken"));
    let (_, event) = screen.update(message, &shared);
    let token = Some("t0ken".to_owned());
    assert_eq!(
        event,
        Some(Event::KeepToken {
            url: url.clone(),
            token
        })
    );
    assert!(shows(
        screen.view(&shared),
        "The token is kept only until the app ends: no keyring."
    ));
    let _ = screen.update(
        Message::Kept(url, Some(Secret(String::new())), Kept::InKeyring),
        &shared,
    );
    assert!(shows(
        screen.view(&shared),
        "The token is kept in the system's keyring."
    ));
}

#[test]
fn a_server_is_removed_once_that_is_confirmed() {
    let (mut screen, shared) = (SettingsScreen::default(), two());
    let _ = screen.update(Message::Remove(0), &shared);
    act(&mut screen, &shared, |view| {
        drop(view.click("Keep it").expect("a button"));
    });
    let _ = screen.update(Message::Remove(0), &shared);
    let events = act(&mut screen, &shared, |view| {
        drop(view.click("Remove it").expect("a button"));
    });
    assert_eq!(kept(&events).servers.len(), 1);
}

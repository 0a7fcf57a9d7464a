//! The keyboard.

use iced::{
    Subscription, Task,
    event::{self, Status},
    keyboard::{self, Key, Modifiers, key::Named},
    widget::operation,
};

use super::{App, Message};
use crate::screen::Route;

/// A key that was pressed.
#[derive(Debug, Clone)]
pub struct Pressed {
    key: Key,
    modifiers: Modifiers,
    /// Whether a field has taken it.
    taken: bool,
}

/// Keys that are pressed. Those with Ctrl (or Command) and Esc come even when a field has the focus.
pub(super) fn listen() -> Subscription<Pressed> {
    event::listen_with(|event, status, _| {
        let iced::Event::Keyboard(keyboard::Event::KeyPressed { key, modifiers, .. }) = event else {
            return None;
        };
        let taken = status == Status::Captured;
        let always = modifiers.command() || key == Key::Named(Named::Escape);
        (!taken || always).then_some(Pressed { key, modifiers, taken })
    })
}

impl App {
    pub(super) fn press(&mut self, pressed: &Pressed) -> Task<Message> {
        let Pressed { key, modifiers, taken } = pressed;
        match key.as_ref() {
            Key::Character("n") if modifiers.command() => self.go(Route::NewTask),
            Key::Named(Named::Tab) if modifiers.shift() => operation::focus_previous(),
            Key::Named(Named::Tab) => operation::focus_next(),
            Key::Named(Named::Escape) if !taken => self.back(),
            _ => Task::none(),
        }
    }
}

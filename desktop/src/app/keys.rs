//! The keys that mean the same on every screen. What a screen has for itself are its `hotkeys`.

use iced::{
    Subscription, Task,
    event::{self, Status},
    keyboard::{self, Key, Modifiers, key::Named},
    widget::operation,
};

use super::{App, Message, palette};
use crate::screen::Route;

/// A key that was pressed.
#[derive(Debug, Clone)]
pub struct Pressed {
    key: Key,
    modifiers: Modifiers,
    /// Whether a field has taken it.
    taken: bool,
}

#[cfg(test)]
impl Pressed {
    /// A key that was pressed.
    pub(super) fn new(key: Key, modifiers: Modifiers, taken: bool) -> Self {
        Self { key, modifiers, taken }
    }
}

/// Keys that are pressed. Esc and those with Ctrl (or Command) come even when a field has taken them.
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
        if self.palette.is_some() {
            // It takes its keys itself, so that what is behind it gets none.
            return match key.as_ref() {
                Key::Character("k") if modifiers.command() => self.palette(palette::Message::Close),
                // Its field takes Esc for itself where it has the keyboard.
                Key::Named(Named::Escape) => self.palette(palette::Message::Close),
                _ => Task::none(),
            };
        }
        match key.as_ref() {
            Key::Character("k") if modifiers.command() => return self.open_palette(),
            Key::Character("n") if modifiers.command() => return self.go(Route::NewTask),
            Key::Named(Named::Tab) if modifiers.shift() => return operation::focus_previous(),
            Key::Named(Named::Tab) => return operation::focus_next(),
            _ => {}
        }
        match key.as_ref() {
            Key::Character("f") if !taken && modifiers.command() => {
                let go = self.go(Route::Tasks);
                Task::batch([go, crate::screen::tasks::focus_search()])
            }
            // Browsers keep Ctrl+N for themselves.
            Key::Character("n") if !taken && modifiers.is_empty() => self.go(Route::NewTask),
            Key::Named(Named::Escape) if !taken => self.back(),
            _ => Task::none(),
        }
    }
}

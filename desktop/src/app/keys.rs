//! The keyboard.

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
    /// A key that no field has taken.
    pub(super) fn new(key: Key, modifiers: Modifiers) -> Self {
        Self {
            key,
            modifiers,
            taken: false,
        }
    }
}

/// Keys that are pressed. Those with Ctrl (or Command), Esc and the arrows come even when a field has taken them.
pub(super) fn listen() -> Subscription<Pressed> {
    event::listen_with(|event, status, _| {
        let iced::Event::Keyboard(keyboard::Event::KeyPressed { key, modifiers, .. }) = event else {
            return None;
        };
        let taken = status == Status::Captured;
        let always =
            modifiers.command() || matches!(key, Key::Named(Named::Escape | Named::ArrowUp | Named::ArrowDown));
        (!taken || always).then_some(Pressed { key, modifiers, taken })
    })
}

impl App {
    pub(super) fn press(&mut self, pressed: &Pressed) -> Task<Message> {
        let Pressed { key, modifiers, taken } = pressed;
        if self.palette.is_some() {
            return match key.as_ref() {
                Key::Named(Named::Escape) => self.palette(palette::Message::Close),
                Key::Character("k") if modifiers.command() => self.palette(palette::Message::Close),
                // It takes its arrows itself, so that what is below gets none.
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
        if (!taken || modifiers.command())
            && let Some(message) = self.key_of_screen(key, *modifiers)
        {
            return self.update(message);
        }
        match key.as_ref() {
            Key::Character("f") if modifiers.command() => {
                let go = self.go(Route::Tasks);
                Task::batch([go, crate::screen::tasks::focus_search()])
            }
            // Browsers keep Ctrl+N for themselves.
            Key::Character("n") if !taken && modifiers.is_empty() => self.go(Route::NewTask),
            Key::Named(Named::Escape) if !taken => self.back(),
            _ => Task::none(),
        }
    }

    /// What a key means on the screen where one is.
    fn key_of_screen(&self, key: &Key, modifiers: Modifiers) -> Option<Message> {
        match self.route {
            Route::Tasks => self.tasks.key(key, modifiers).map(Message::Tasks),
            Route::Task(_) => self.task.as_ref()?.key(key, modifiers).map(Message::Task),
            _ => None,
        }
    }
}

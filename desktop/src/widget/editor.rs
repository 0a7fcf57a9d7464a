//! Fields of many lines.

use iced::{
    keyboard::{Key, key::Named},
    widget::{
        TextEditor,
        text::Wrapping,
        text_editor::{self, Action, Binding, Content},
    },
};

use crate::theme::{self, size};

/// A field of many lines. Ctrl (or Command) with Enter gives `submit`, and Esc leaves the field.
pub fn editor<'a, Message: Clone + 'a>(
    content: &'a Content,
    placeholder: &'a str,
    on_action: impl Fn(Action) -> Message + 'a,
    submit: Message,
) -> TextEditor<'a, iced::advanced::text::highlighter::PlainText, Message> {
    let editor = text_editor::TextEditor::new(content);
    editor
        .placeholder(placeholder)
        .on_action(on_action)
        .key_binding(move |press| match press.key.as_ref() {
            Key::Named(Named::Enter) if press.modifiers.command() => Some(Binding::Custom(submit.clone())),
            // Tab is for the way to the next field.
            Key::Named(Named::Tab) => None,
            _ => Binding::from_key_press(press),
        })
        .wrapping(Wrapping::WordOrGlyph)
        .padding([7.0, 10.0])
        .size(size::BODY)
        .style(theme::input::editor)
}

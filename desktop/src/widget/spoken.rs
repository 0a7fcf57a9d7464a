//! Texts of several colours, which do not say of themselves what they show: they are told in words by this (see `words`).

use iced::{
    Element, Length, Rectangle, Renderer, Size, Theme,
    advanced::{
        Layout, Widget,
        layout::{Limits, Node},
        mouse::Cursor,
        renderer::Style,
        widget::{Operation, Tree, tree},
    },
};

/// What is shown, with its words.
pub fn spoken<'a, Message: 'a>(
    shown: impl Into<Element<'a, Message>>,
    words: impl Into<String>,
) -> Element<'a, Message> {
    Element::new(Spoken {
        shown: shown.into(),
        words: words.into(),
    })
}

struct Spoken<'a, Message> {
    shown: Element<'a, Message>,
    words: String,
}

impl<Message> Widget<Message, Theme, Renderer> for Spoken<'_, Message> {
    fn tag(&self) -> tree::Tag {
        self.shown.as_widget().tag()
    }

    fn state(&self) -> tree::State {
        self.shown.as_widget().state()
    }

    fn children(&self) -> Vec<Tree> {
        self.shown.as_widget().children()
    }

    fn diff(&self, tree: &mut Tree) {
        self.shown.as_widget().diff(tree);
    }

    fn size(&self) -> Size<Length> {
        self.shown.as_widget().size()
    }

    fn layout(&mut self, tree: &mut Tree, renderer: &Renderer, limits: &Limits) -> Node {
        self.shown.as_widget_mut().layout(tree, renderer, limits)
    }

    fn operate(&mut self, _tree: &mut Tree, layout: Layout<'_>, _renderer: &Renderer, operation: &mut dyn Operation) {
        operation.text(None, layout.bounds(), &self.words);
    }

    fn draw(
        &self,
        tree: &Tree,
        renderer: &mut Renderer,
        theme: &Theme,
        style: &Style,
        layout: Layout<'_>,
        cursor: Cursor,
        viewport: &Rectangle,
    ) {
        self.shown
            .as_widget()
            .draw(tree, renderer, theme, style, layout, cursor, viewport);
    }
}

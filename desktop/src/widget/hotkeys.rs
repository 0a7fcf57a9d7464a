//! Keys that a screen knows, where no field has taken them.

use iced::{
    Element, Event, Length, Rectangle, Renderer, Size, Theme, Vector,
    advanced::{
        Clipboard, Layout, Shell, Widget,
        layout::{Limits, Node},
        mouse::Cursor,
        overlay,
        renderer::Style,
        widget::{Operation, Tree},
    },
    keyboard::{self, Key, Modifiers, key::Named},
    mouse,
};

/// Content with keys: `on_key` says what a key means, if anything. A key that is held down counts once, but for those that
/// go through something.
pub fn hotkeys<'a, Message: 'a>(
    content: impl Into<Element<'a, Message>>,
    on_key: impl Fn(Key<&str>, Modifiers) -> Option<Message> + 'a,
) -> Element<'a, Message> {
    Element::new(Hotkeys {
        content: content.into(),
        on_key: Box::new(on_key),
    })
}

/// Whether a key goes through something, for as long as it is held down.
fn goes(key: &Key) -> bool {
    matches!(
        key,
        Key::Named(
            Named::ArrowDown | Named::ArrowLeft | Named::ArrowRight | Named::ArrowUp | Named::PageDown | Named::PageUp
        )
    )
}

type OnKey<'a, Message> = Box<dyn Fn(Key<&str>, Modifiers) -> Option<Message> + 'a>;

struct Hotkeys<'a, Message> {
    content: Element<'a, Message>,
    on_key: OnKey<'a, Message>,
}

impl<Message> Widget<Message, Theme, Renderer> for Hotkeys<'_, Message> {
    fn children(&self) -> Vec<Tree> {
        vec![Tree::new(&self.content)]
    }

    fn diff(&self, tree: &mut Tree) {
        tree.diff_children(std::slice::from_ref(&self.content));
    }

    fn size(&self) -> Size<Length> {
        self.content.as_widget().size()
    }

    fn layout(&mut self, tree: &mut Tree, renderer: &Renderer, limits: &Limits) -> Node {
        let widget = self.content.as_widget_mut();
        widget.layout(&mut tree.children[0], renderer, limits)
    }

    fn operate(&mut self, tree: &mut Tree, layout: Layout<'_>, renderer: &Renderer, operation: &mut dyn Operation) {
        let widget = self.content.as_widget_mut();
        widget.operate(&mut tree.children[0], layout, renderer, operation);
    }

    fn update(
        &mut self,
        tree: &mut Tree,
        event: &Event,
        layout: Layout<'_>,
        cursor: Cursor,
        renderer: &Renderer,
        clipboard: &mut dyn Clipboard,
        shell: &mut Shell<'_, Message>,
        viewport: &Rectangle,
    ) {
        let child = &mut tree.children[0];
        let widget = self.content.as_widget_mut();
        widget.update(child, event, layout, cursor, renderer, clipboard, shell, viewport);
        if shell.is_event_captured() {
            return;
        }
        if let Event::Keyboard(keyboard::Event::KeyPressed {
            key, modifiers, repeat, ..
        }) = event
            && (!repeat || goes(key))
            && let Some(message) = (self.on_key)(key.as_ref(), *modifiers)
        {
            shell.publish(message);
            shell.capture_event();
        }
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
        let widget = self.content.as_widget();
        widget.draw(&tree.children[0], renderer, theme, style, layout, cursor, viewport);
    }

    fn mouse_interaction(
        &self,
        tree: &Tree,
        layout: Layout<'_>,
        cursor: Cursor,
        viewport: &Rectangle,
        renderer: &Renderer,
    ) -> mouse::Interaction {
        let widget = self.content.as_widget();
        widget.mouse_interaction(&tree.children[0], layout, cursor, viewport, renderer)
    }

    fn overlay<'b>(
        &'b mut self,
        tree: &'b mut Tree,
        layout: Layout<'b>,
        renderer: &Renderer,
        viewport: &Rectangle,
        translation: Vector,
    ) -> Option<overlay::Element<'b, Message, Theme, Renderer>> {
        let widget = self.content.as_widget_mut();
        widget.overlay(&mut tree.children[0], layout, renderer, viewport, translation)
    }
}

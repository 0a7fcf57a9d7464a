//! What can be pressed by the keyboard too: Tab goes to it, a ring shows it, Enter and Space press it.

use iced::{
    Border, Color, Element, Event, Length, Rectangle, Renderer, Size, Theme, Vector,
    advanced::{
        Clipboard, Layout, Renderer as _, Shell, Widget,
        layout::{Limits, Node},
        mouse::Cursor,
        overlay,
        renderer::{Quad, Style},
        widget::{Operation, Tree, operation::Focusable, tree},
    },
    keyboard::{self, Key, key::Named},
    mouse,
};

use crate::theme;

/// Makes a button one that the keyboard can press, with the message that it gives.
pub fn press<'a, Message: Clone + 'a>(
    button: impl Into<Element<'a, Message>>,
    message: Option<Message>,
) -> Element<'a, Message> {
    Element::new(Press {
        button: button.into(),
        message,
    })
}

struct Press<'a, Message> {
    button: Element<'a, Message>,
    message: Option<Message>,
}

/// Whether the keyboard is at a button.
#[derive(Default)]
pub struct Focus {
    is_focused: bool,
}

impl Focusable for Focus {
    fn is_focused(&self) -> bool {
        self.is_focused
    }

    fn focus(&mut self) {
        self.is_focused = true;
    }

    fn unfocus(&mut self) {
        self.is_focused = false;
    }
}

impl<Message: Clone> Widget<Message, Theme, Renderer> for Press<'_, Message> {
    fn tag(&self) -> tree::Tag {
        tree::Tag::of::<Focus>()
    }

    fn state(&self) -> tree::State {
        tree::State::new(Focus::default())
    }

    fn children(&self) -> Vec<Tree> {
        vec![Tree::new(&self.button)]
    }

    fn diff(&self, tree: &mut Tree) {
        tree.diff_children(std::slice::from_ref(&self.button));
    }

    fn size(&self) -> Size<Length> {
        self.button.as_widget().size()
    }

    fn layout(&mut self, tree: &mut Tree, renderer: &Renderer, limits: &Limits) -> Node {
        let button = self
            .button
            .as_widget_mut()
            .layout(&mut tree.children[0], renderer, limits);
        Node::with_children(button.size(), vec![button])
    }

    fn operate(&mut self, tree: &mut Tree, layout: Layout<'_>, renderer: &Renderer, operation: &mut dyn Operation) {
        if self.message.is_some() {
            let focus = tree.state.downcast_mut::<Focus>();
            operation.focusable(None, layout.bounds(), focus);
            // What has the keyboard is taken for a field otherwise: see `words`.
            operation.custom(None, layout.bounds(), focus);
        }
        operation.traverse(&mut |operation| {
            let (child, inner) = (&mut tree.children[0], layout.child(0));
            self.button.as_widget_mut().operate(child, inner, renderer, operation);
        });
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
        let inner = layout.child(0);
        let widget = self.button.as_widget_mut();
        widget.update(child, event, inner, cursor, renderer, clipboard, shell, viewport);
        let focus = tree.state.downcast_mut::<Focus>();
        match event {
            // The ring is for the keyboard: the pointer takes it away.
            Event::Mouse(mouse::Event::ButtonPressed(_)) if focus.is_focused => {
                focus.is_focused = false;
                shell.request_redraw();
            }
            Event::Keyboard(keyboard::Event::KeyPressed {
                key: Key::Named(Named::Enter | Named::Space),
                ..
            }) if focus.is_focused && !shell.is_event_captured() => {
                if let Some(message) = &self.message {
                    shell.publish(message.clone());
                    shell.capture_event();
                }
            }
            _ => {}
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
        let widget = self.button.as_widget();
        widget.draw(
            &tree.children[0],
            renderer,
            theme,
            style,
            layout.child(0),
            cursor,
            viewport,
        );
        if tree.state.downcast_ref::<Focus>().is_focused {
            let ring = Quad {
                bounds: layout.bounds(),
                border: Border {
                    color: theme::colours(theme).accent,
                    width: 2.0,
                    radius: theme::radius::SMALL.into(),
                },
                ..Quad::default()
            };
            renderer.fill_quad(ring, Color::TRANSPARENT);
        }
    }

    fn mouse_interaction(
        &self,
        tree: &Tree,
        layout: Layout<'_>,
        cursor: Cursor,
        viewport: &Rectangle,
        renderer: &Renderer,
    ) -> mouse::Interaction {
        let widget = self.button.as_widget();
        widget.mouse_interaction(&tree.children[0], layout.child(0), cursor, viewport, renderer)
    }

    fn overlay<'b>(
        &'b mut self,
        tree: &'b mut Tree,
        layout: Layout<'b>,
        renderer: &Renderer,
        viewport: &Rectangle,
        translation: Vector,
    ) -> Option<overlay::Element<'b, Message, Theme, Renderer>> {
        let widget = self.button.as_widget_mut();
        widget.overlay(&mut tree.children[0], layout.child(0), renderer, viewport, translation)
    }
}

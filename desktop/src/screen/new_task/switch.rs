//! Between the fields of an input and its JSON: what was written goes along in both directions.

use std::sync::Arc;

use iced::widget::text_editor::{Action, Content};
use orchestrator_desktop_model::{
    form::Field,
    schema::{Filled, Kind, Shape, Spot},
};
use orchestrator_protocol::Json;

use super::{NewTaskForm, model, write};
use crate::screen::Shared;

/// What was in the fields when their JSON was taken over.
#[derive(Debug)]
pub(super) struct Left {
    text: String,
    fields: Filled,
}

impl NewTaskForm {
    /// Takes in what workers have announced of the type that is written.
    pub fn learn(&mut self, shared: &Shared) {
        let schema = shared.fleet.input_schema(self.form.text(Field::Type));
        if schema == self.schema.as_ref() {
            return;
        }
        self.schema = schema.cloned();
        self.leave_fields();
        let shape = self.schema.as_ref().and_then(Shape::of);
        self.shape = shape.map(Arc::new);
        if !self.as_json {
            self.enter_fields();
        }
    }

    /// Shows the input as JSON.
    pub(super) fn leave_fields(&mut self) {
        self.cannot = None;
        self.contents.clear();
        let Some(fields) = self.form.fields.take() else { return };
        let draft = if fields.is_blank() { Json::NULL } else { fields.draft() };
        let text = model::pretty(&draft);
        self.input = Content::with_text(&text);
        self.form.set(Field::Input, text.clone());
        self.left = Some(Left { text, fields });
    }

    /// Shows the input in fields, if the type has any and the JSON fits into them.
    pub(super) fn enter_fields(&mut self) {
        let Some(shape) = self.shape.clone() else { return };
        let text = self.form.text(Field::Input);
        let left = self.left.take();
        let left = left.filter(|left| left.text == text && Arc::ptr_eq(left.fields.shape(), &shape));
        let fields = match left {
            // Nothing was changed: fields hold also what JSON cannot.
            Some(left) => Ok(left.fields),
            None => Filled::read(shape, text),
        };
        match fields {
            Ok(fields) => self.put_fields(fields),
            Err(why) => self.cannot = Some(why),
        }
    }

    /// Shows these fields.
    pub(super) fn put_fields(&mut self, fields: Filled) {
        let lines = |(spot, slot): (Spot, &_)| {
            let text = fields.text(spot);
            has_lines(slot, &text).then(|| (spot, Content::with_text(&text)))
        };
        self.contents = fields.shape().spots().filter_map(lines).collect();
        self.cannot = None;
        self.input = Content::new();
        self.form.set(Field::Input, String::new());
        self.form.fields = Some(fields);
    }

    /// Something is written in a field of one line.
    pub(super) fn write_line(&mut self, spot: Spot, text: String) {
        self.changed(|fields| fields.set(spot, text));
    }

    /// Something is written in a field of many lines.
    pub(super) fn write_lines(&mut self, spot: Spot, action: Action) {
        let Some(content) = self.contents.get_mut(&spot) else {
            return;
        };
        if write(content, action) {
            let text = content.text();
            self.changed(|fields| fields.set(spot, text));
        }
    }

    /// The fields are changed: what the server said of the input is old.
    pub(super) fn changed(&mut self, change: impl FnOnce(&mut Filled)) {
        if let Some(fields) = &mut self.form.fields {
            change(fields);
        }
        self.heard(Field::Input);
    }
}

/// Whether a field is one of many lines.
fn has_lines(slot: &orchestrator_desktop_model::schema::Slot, text: &str) -> bool {
    match slot.kind {
        Kind::Text { long, .. } => long || text.contains(['\n', '\r']),
        Kind::Texts { .. } | Kind::Json => true,
        Kind::Whole(_) | Kind::Number(_) | Kind::Flag | Kind::Choice(_) | Kind::Group(_) => false,
    }
}

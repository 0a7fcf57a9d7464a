//! What is written in the fields of an input, and the JSON of it.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use orchestrator_protocol::Json;

use super::{Kind, Shape, Slot, Spot, entry::Entry};

/// What is wrong, by field.
pub type Mistakes = BTreeMap<Spot, String>;

/// The parts of an object, by name.
type Parts = BTreeMap<String, Json>;

/// The fields of an input with what is written in them.
#[derive(Debug, Clone, PartialEq)]
pub struct Filled {
    shape: Arc<Shape>,
    entries: BTreeMap<Spot, Entry>,
    /// What the fields do not show: of the input, and of the objects in groups. A group that has any of it is there even
    /// if it is empty.
    rest: BTreeMap<Option<usize>, Parts>,
}

impl Filled {
    /// Fields in which nothing is written.
    pub fn new(shape: Arc<Shape>) -> Self {
        Self {
            shape,
            entries: BTreeMap::new(),
            rest: BTreeMap::new(),
        }
    }

    /// The fields with what a JSON text says. A blank text says nothing.
    ///
    /// # Errors
    ///
    /// Why it cannot be shown in fields, for people.
    pub fn read(shape: Arc<Shape>, text: &str) -> Result<Self, String> {
        let mut filled = Self::new(shape);
        if text.trim().is_empty() {
            return Ok(filled);
        }
        let json = Json::parse(text.trim()).map_err(|_| "Fields need JSON: mend it first.".to_owned())?;
        if !filled.shape.is_object {
            filled.entries.insert(Spot::of(0), Entry::Value(json));
            return Ok(filled);
        }
        if json.is_null() {
            return Ok(filled);
        }
        let parts = json.to::<Parts>();
        let mut parts = parts.map_err(|_| "Fields need a JSON object: { … }.".to_owned())?;
        let shape = Arc::clone(&filled.shape);
        for (outer, slot) in shape.slots.iter().enumerate() {
            if let Some(json) = parts.remove(&slot.key) {
                filled.take(outer, slot, json);
            }
        }
        filled.rest.insert(None, parts);
        Ok(filled)
    }

    fn take(&mut self, outer: usize, slot: &Slot, json: Json) {
        let (Kind::Group(slots), Ok(mut parts)) = (&slot.kind, json.to::<Parts>()) else {
            self.entries.insert(Spot::of(outer), Entry::Value(json));
            return;
        };
        for (inner, slot) in slots.iter().enumerate() {
            if let Some(json) = parts.remove(&slot.key) {
                self.entries.insert(Spot::within(outer, inner), Entry::Value(json));
            }
        }
        self.rest.insert(Some(outer), parts);
    }

    /// The fields.
    pub fn shape(&self) -> &Arc<Shape> {
        &self.shape
    }

    /// Whether nothing is written.
    pub fn is_blank(&self) -> bool {
        self.entries.is_empty() && self.rest.values().all(BTreeMap::is_empty)
    }

    /// What is in a field, as it is edited.
    pub fn text(&self, spot: Spot) -> String {
        let entry = self.entries.get(&spot).zip(self.shape.slot(spot));
        entry.map_or_else(String::new, |(entry, slot)| entry.shown(&slot.kind))
    }

    /// Something else is written in a field. A blank one counts as left out.
    pub fn set(&mut self, spot: Spot, text: String) {
        self.forget_odd(spot);
        if text.trim().is_empty() {
            self.entries.remove(&spot);
        } else {
            self.entries.insert(spot, Entry::Text(text));
        }
    }

    /// Something is chosen in a field; choosing it again leaves it out.
    pub fn pick(&mut self, spot: Spot, value: Json) {
        self.forget_odd(spot);
        if self.picked(spot).as_ref() == Some(&value) {
            self.entries.remove(&spot);
        } else {
            self.entries.insert(spot, Entry::Value(value));
        }
    }

    /// What stood in the place of a group is gone when something is written in one of its fields.
    fn forget_odd(&mut self, spot: Spot) {
        if spot.inner.is_some() {
            self.entries.remove(&Spot::of(spot.outer));
        }
    }

    /// What was chosen in a field.
    pub fn picked(&self, spot: Spot) -> Option<Json> {
        match self.entries.get(&spot)? {
            Entry::Value(json) => Some(json.clone()),
            Entry::Text(_) => None,
        }
    }

    /// The names of what the input holds and the fields do not show.
    pub fn unshown(&self) -> impl Iterator<Item = &str> {
        self.rest.values().flat_map(BTreeMap::keys).map(String::as_str)
    }

    /// Drops what the fields do not show.
    pub fn drop_unshown(&mut self) {
        self.rest.values_mut().for_each(BTreeMap::clear);
    }

    /// What is wrong with what is written: what must be there and is not counts when `tried`.
    pub fn mistakes(&self, tried: bool) -> Mistakes {
        let mut mistakes = self.json().err().unwrap_or_default();
        mistakes.retain(|spot, _| tried || self.entries.contains_key(spot));
        mistakes
    }

    /// The input.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, by field.
    pub fn json(&self) -> Result<Json, Mistakes> {
        let mut mistakes = Mistakes::new();
        let json = self.written(&mut |spot, entry, slot| match (entry, &slot.default) {
            (Some(entry), _) => match entry.json(slot) {
                Ok(json) => Some(json),
                Err(mistake) => {
                    mistakes.insert(spot, mistake);
                    None
                }
            },
            (None, Some(default)) if slot.required => Some(default.clone()),
            (None, _) if slot.required => {
                mistakes.insert(spot, needed(slot));
                None
            }
            (None, _) => None,
        });
        if mistakes.is_empty() { Ok(json) } else { Err(mistakes) }
    }

    /// The JSON of what is written so far, to go on with as JSON: what is wrong in a field is a text in it.
    pub fn draft(&self) -> Json {
        self.written(&mut |_, entry, slot| {
            let entry = entry?;
            Some(match entry {
                Entry::Value(json) => json.clone(),
                Entry::Text(text) => entry
                    .json(slot)
                    .unwrap_or_else(|_| Json::from(serde_json::Value::from(&**text))),
            })
        })
    }

    fn written(&self, of: &mut impl FnMut(Spot, Option<&Entry>, &Slot) -> Option<Json>) -> Json {
        let mut object = Object::default();
        for (outer, slot) in self.shape.slots.iter().enumerate() {
            let spot = Spot::of(outer);
            let entry = self.entries.get(&spot);
            let value = match &slot.kind {
                Kind::Group(slots) if entry.is_none() => self.group(outer, slot, slots, of),
                _ => of(spot, entry, slot),
            };
            if !self.shape.is_object {
                return value.unwrap_or(Json::NULL);
            }
            if let Some(value) = value {
                object.add(&slot.key, &value);
            }
        }
        self.rest
            .get(&None)
            .into_iter()
            .flatten()
            .for_each(|(key, json)| object.add(key, json));
        object.end()
    }

    fn group(
        &self,
        outer: usize,
        slot: &Slot,
        slots: &[Slot],
        of: &mut impl FnMut(Spot, Option<&Entry>, &Slot) -> Option<Json>,
    ) -> Option<Json> {
        let spot = |inner: usize| Spot::within(outer, inner);
        let has_any = (0..slots.len()).any(|inner| self.entries.contains_key(&spot(inner)));
        let rest = self.rest.get(&Some(outer));
        if !has_any && rest.is_none() && !slot.required {
            return None;
        }
        let mut object = Object::default();
        for (inner, slot) in slots.iter().enumerate() {
            if let Some(value) = of(spot(inner), self.entries.get(&spot(inner)), slot) {
                object.add(&slot.key, &value);
            }
        }
        rest.into_iter().flatten().for_each(|(key, json)| object.add(key, json));
        Some(object.end())
    }
}

fn needed(slot: &Slot) -> String {
    match slot.kind {
        Kind::Flag | Kind::Choice(_) => "Choose one.".to_owned(),
        _ => "This is needed.".to_owned(),
    }
}

/// An object that is written part by part, each as its text is.
#[derive(Default)]
struct Object(String);

impl Object {
    fn add(&mut self, key: &str, value: &Json) {
        let comma = if self.0.is_empty() { "" } else { "," };
        let key = serde_json::Value::from(key);
        write!(self.0, "{comma}{key}:{value}").expect("a text can grow");
    }

    fn end(self) -> Json {
        Json::parse(format!("{{{}}}", self.0)).unwrap_or(Json::NULL)
    }
}

//! Into the page of a browser, where it is not seen.

use web_sys::{Document, Element};

use super::{Fact, Kind, Word};

/// Screen readers may come at any time.
pub fn are_wanted() -> bool {
    true
}

/// Tells what is shown, and what there is new to say aloud.
pub fn tell(facts: &[Fact], words: &[Word], aloud: &str) {
    // A page without a document, or a document that refuses, has nobody to be told.
    let _ = mirror(facts, words, aloud);
}

fn mirror(facts: &[Fact], words: &[Word], aloud: &str) -> Option<()> {
    let document = web_sys::window()?.document()?;
    let all = part(&document, "words", &[("aria-label", "What is shown")])?;
    for (name, value) in facts {
        let name = format!("data-{name}");
        if all.get_attribute(&name).as_deref() != Some(value) {
            all.set_attribute(&name, value).ok()?;
        }
    }
    while all.child_element_count() as usize > words.len() {
        all.last_element_child()?.remove();
    }
    let mut next = all.first_element_child();
    for word in words {
        let one = match next {
            Some(one) => one,
            None => {
                let one = document.create_element("p").ok()?;
                all.append_child(&one).ok()?;
                one
            }
        };
        say(&one, word)?;
        next = one.next_element_sibling();
    }
    let said = part(&document, "aloud", &[("role", "status"), ("aria-live", "polite")])?;
    if said.text_content().as_deref() != Some(aloud) {
        said.set_text_content(Some(aloud));
    }
    Some(())
}

/// Makes an element say a word, and touches what is different only.
fn say(one: &Element, word: &Word) -> Option<()> {
    if one.text_content().as_deref() != Some(&word.text) {
        one.set_text_content(Some(&word.text));
    }
    let kind = match word.kind {
        Kind::Text => "text",
        Kind::Input => "input",
        Kind::Button => "button",
    };
    let place = [
        ("data-kind", kind.to_owned()),
        ("data-x", word.x.to_string()),
        ("data-y", word.y.to_string()),
        ("data-width", word.width.to_string()),
        ("data-height", word.height.to_string()),
    ];
    for (name, value) in place {
        if one.get_attribute(name).as_ref() != Some(&value) {
            one.set_attribute(name, &value).ok()?;
        }
    }
    Some(())
}

/// A part of the page that is there but not seen; made when it is not there yet.
fn part(document: &Document, id: &str, attributes: &[(&str, &str)]) -> Option<Element> {
    if let Some(part) = document.get_element_by_id(id) {
        return Some(part);
    }
    let part = document.create_element("div").ok()?;
    part.set_id(id);
    part.set_class_name("in-words");
    for (name, value) in attributes {
        part.set_attribute(name, value).ok()?;
    }
    document.body()?.append_child(&part).ok()?;
    Some(part)
}

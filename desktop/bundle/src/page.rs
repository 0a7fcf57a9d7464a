//! The page that starts the app, and the files that it loads.

use std::fmt::Write;

use anyhow::Result;
use sha2::{Digest, Sha256};

use crate::bindings::Bindings;

const PAGE: &str = include_str!("../page/index.html");
const START: &str = include_str!("../page/start.js");
const STYLE: &str = include_str!("../page/page.css");
const ICON: &str = include_str!("../page/icon.svg");

/// All files by their names. What a name says is what is in the file, so that a browser may keep it for ever; only the
/// page itself is always called the same.
pub(crate) fn files(bindings: &Bindings) -> Result<Vec<(String, Vec<u8>)>> {
    let wasm = named("app", "wasm", &bindings.wasm);
    let script = named("app", "js", &bindings.script);
    let start = filled(START, &[("APP_SCRIPT", &script), ("APP_WASM", &wasm)])?;
    let start_name = named("start", "js", start.as_bytes());
    let style = named("page", "css", STYLE.as_bytes());
    let icon = named("icon", "svg", ICON.as_bytes());
    let page = filled(
        PAGE,
        &[
            ("START", &start_name),
            ("STYLE", &style),
            ("ICON", &icon),
            ("APP_SCRIPT", &script),
            ("APP_WASM", &wasm),
        ],
    )?;
    let asset = |name: String, bytes: &[u8]| (format!("assets/{name}"), bytes.to_vec());
    Ok(vec![
        ("index.html".to_owned(), page.into_bytes()),
        asset(wasm, &bindings.wasm),
        asset(script, &bindings.script),
        asset(start_name, start.as_bytes()),
        asset(style, STYLE.as_bytes()),
        asset(icon, ICON.as_bytes()),
    ])
}

fn named(stem: &str, ending: &str, bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let mut name = format!("{stem}-");
    for byte in &digest[..8] {
        let _ = write!(name, "{byte:02x}");
    }
    name + "." + ending
}

/// A text with its `{{PLACES}}` filled.
fn filled(text: &str, places: &[(&str, &str)]) -> Result<String> {
    let mut filled = text.to_owned();
    for (place, value) in places {
        filled = filled.replace(&format!("{{{{{place}}}}}"), value);
    }
    anyhow::ensure!(!filled.contains("{{"), "a place of the page is not filled");
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bindings() -> Bindings {
        Bindings {
            wasm: b"\0asm".to_vec(),
            script: b"export default () => {}".to_vec(),
        }
    }

    #[test]
    fn everything_that_is_named_is_there() {
        let files = files(&bindings()).expect("files");
        let text = |ending: &str| {
            let file = files.iter().find(|(name, _)| name.ends_with(ending)).expect(ending);
            String::from_utf8_lossy(&file.1).into_owned()
        };
        let start = files
            .iter()
            .find(|(name, _)| name.contains("/start-"))
            .expect("a start");
        let all = text("index.html") + &String::from_utf8_lossy(&start.1);
        for (name, _) in files.iter().filter(|(name, _)| name != "index.html") {
            let name = name.trim_start_matches("assets/");
            assert!(all.contains(name), "nobody loads {name}");
        }
    }

    /// The server's policy would keep it from running.
    #[test]
    fn the_page_has_no_script_and_no_style_of_its_own() {
        let files = files(&bindings()).expect("files");
        let page = String::from_utf8_lossy(&files[0].1).to_lowercase();
        assert!(!page.contains("<style") && !page.contains("style=") && !page.contains("onload="));
        for script in page.split("<script").skip(1) {
            let (tag, rest) = script.split_once('>').expect("a tag");
            assert!(tag.contains("src=") && rest.starts_with("</script>"), "{script}");
        }
    }

    #[test]
    fn another_app_has_other_names() {
        let names = |bindings: &Bindings| -> Vec<String> {
            let files = files(bindings).expect("files");
            files.into_iter().map(|(name, _)| name).collect()
        };
        let other = Bindings {
            wasm: b"\0asm1".to_vec(),
            ..bindings()
        };
        let (one, two) = (names(&bindings()), names(&other));
        assert_eq!(one, names(&bindings()));
        assert_ne!(one[1], two[1], "the app");
        assert_ne!(one[3], two[3], "what starts it");
        assert_eq!(one[2], two[2], "its script");
    }
}

//! The page that starts the app, and the files that it loads.

use std::fmt::Write;

use anyhow::Result;
use sha2::{Digest, Sha256};

use crate::bindings::Bindings;

const PAGE: &str = include_str!("../page/index.html");
const START: &str = include_str!("../page/start.js");
const STYLE: &str = include_str!("../page/page.css");
const ICON: &str = include_str!("../page/icon.svg");

/// Fonts that the app loads once it shows something that needs them, by what it calls them.
const FONTS: [(&str, &[u8]); 6] = [
    ("arabic", include_bytes!("../../fonts/more/arabic.ttf")),
    ("cjk", include_bytes!("../../fonts/more/cjk.ttf")),
    ("devanagari", include_bytes!("../../fonts/more/devanagari.ttf")),
    ("emoji", include_bytes!("../../fonts/more/emoji.ttf")),
    ("hebrew", include_bytes!("../../fonts/more/hebrew.ttf")),
    ("thai", include_bytes!("../../fonts/more/thai.ttf")),
];

/// A file of the app.
pub(crate) struct File {
    /// Its name below the folder.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// Whether every browser loads it, at the start.
    pub(crate) is_always: bool,
}

/// All files by their names. What a name says is what is in the file, so that a browser may keep it for ever; only the
/// page itself is always called the same.
pub(crate) fn files(bindings: &Bindings) -> Result<Vec<File>> {
    let wasm = named("app", "wasm", &bindings.wasm);
    let script = named("app", "js", &bindings.script);
    let start = filled(START, &[("APP_SCRIPT", &script), ("APP_WASM", &wasm)])?;
    let start_name = named("start", "js", start.as_bytes());
    let style = named("page", "css", STYLE.as_bytes());
    let icon = named("icon", "svg", ICON.as_bytes());
    let fonts = FONTS.map(|(script, bytes)| (script, named(script, "ttf", bytes), bytes));
    let told = fonts
        .each_ref()
        .map(|(script, name, _)| format!("<meta name=\"font:{script}\" content=\"assets/{name}\">"));
    let page = filled(
        PAGE,
        &[
            ("FONTS", &told.join("\n    ")),
            ("START", &start_name),
            ("STYLE", &style),
            ("ICON", &icon),
            ("APP_SCRIPT", &script),
            ("APP_WASM", &wasm),
        ],
    )?;
    let asset = |name: String, bytes: &[u8], is_always| File {
        name: format!("assets/{name}"),
        bytes: bytes.to_vec(),
        is_always,
    };
    let mut files = vec![
        File {
            name: "index.html".to_owned(),
            bytes: page.into_bytes(),
            is_always: true,
        },
        asset(wasm, &bindings.wasm, true),
        asset(script, &bindings.script, true),
        asset(start_name, start.as_bytes(), true),
        asset(style, STYLE.as_bytes(), true),
        asset(icon, ICON.as_bytes(), true),
    ];
    files.extend(fonts.into_iter().map(|(_, name, bytes)| asset(name, bytes, false)));
    Ok(files)
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
            let file = files.iter().find(|file| file.name.ends_with(ending)).expect(ending);
            String::from_utf8_lossy(&file.bytes).into_owned()
        };
        let start = files
            .iter()
            .find(|file| file.name.contains("/start-"))
            .expect("a start");
        let all = text("index.html") + &String::from_utf8_lossy(&start.bytes);
        for file in files.iter().filter(|file| file.name != "index.html") {
            let name = file.name.trim_start_matches("assets/");
            assert!(all.contains(name), "nobody loads {name}");
        }
    }

    /// The server's policy would keep it from running.
    #[test]
    fn the_page_has_no_script_and_no_style_of_its_own() {
        let files = files(&bindings()).expect("files");
        let page = String::from_utf8_lossy(&files[0].bytes).to_lowercase();
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
            files.into_iter().map(|file| file.name).collect()
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

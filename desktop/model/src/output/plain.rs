//! Lines as they are shown: without what only a terminal understands.

/// Appends a line to a text. It stays one line, whatever it holds; colours and other orders to a terminal are left out.
pub(crate) fn push(to: &mut String, line: &str) {
    if !line.contains(|c: char| c.is_control()) {
        to.push_str(line);
        return;
    }
    // What a terminal would show of a line that was written over and over is the last of it.
    let line = line.trim_end_matches(['\r', '\n']);
    let mut letters = line.rsplit('\r').next().unwrap_or(line).chars();
    while let Some(c) = letters.next() {
        match c {
            '\u{1b}' => skip(&mut letters),
            '\t' => to.push(' '),
            c if c.is_control() => to.push('\u{fffd}'),
            c => to.push(c),
        }
    }
}

/// Passes over an order to a terminal, after its first letter (ECMA-48, section 5.4, and what `xterm` adds to it).
fn skip(letters: &mut std::str::Chars<'_>) {
    match letters.next() {
        // A colour, a place: up to its last letter.
        Some('[') => drop(letters.find(|c| matches!(c, '\u{40}'..='\u{7e}'))),
        // A title, a link: up to a bell, or to an escape with a backslash.
        Some(']') if letters.find(|c| matches!(c, '\u{7}' | '\u{1b}')) == Some('\u{1b}') => drop(letters.next()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_a_terminal_understands_is_left_out() {
        for (line, shown) in [
            ("\u{1b}[1;32m   Compiling\u{1b}[0m serde", "   Compiling serde"),
            ("\u{1b}]8;;https://example.org\u{1b}\\a link\u{1b}]8;;\u{7}!", "a link!"),
            ("\u{1b}[38;2;1;2;3mمرحبا 🚀\u{1b}[K", "مرحبا 🚀"),
            ("10 %\r20 %\r100 %\r", "100 %"),
            ("a\tb\u{0}", "a b\u{fffd}"),
            ("cut \u{1b}[1;3", "cut "),
            ("\u{1b}", ""),
        ] {
            let mut text = String::new();
            push(&mut text, line);
            assert_eq!(text, shown, "{line:?}");
        }
    }
}

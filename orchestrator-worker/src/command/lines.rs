//! Lines out of a stream of bytes.

/// The longest line; a longer one is told in parts.
const MAX_LINE: usize = 16 << 10;

/// Cuts a stream of bytes into lines, whatever pieces it comes in.
#[derive(Debug, Default)]
pub(super) struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    /// The lines that end within these bytes. A carriage return alone ends a line too: progress that overwrites itself.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for byte in bytes {
            match byte {
                b'\n' | b'\r' => self.end(&mut lines),
                _ => {
                    self.rest.push(*byte);
                    if self.rest.len() >= MAX_LINE && is_whole(&self.rest) {
                        self.end(&mut lines);
                    }
                }
            }
        }
        lines
    }

    fn end(&mut self, lines: &mut Vec<String>) {
        if !self.rest.is_empty() {
            lines.push(String::from_utf8_lossy(&self.rest).into_owned());
            self.rest.clear();
        }
    }

    /// The last line, if it did not end.
    pub(super) fn finish(mut self) -> Option<String> {
        let mut lines = Vec::new();
        self.end(&mut lines);
        lines.pop()
    }
}

/// Whether a text does not end within a character.
fn is_whole(bytes: &[u8]) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_some() || bytes.len() >= MAX_LINE + 4,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ends_of_all_kinds() {
        let mut lines = Lines::default();
        assert_eq!(lines.add(b"one\ntwo\r\n10%\r20%\rlast"), ["one", "two", "10%", "20%"]);
        assert_eq!(lines.finish().as_deref(), Some("last"));
    }

    #[test]
    fn endless_lines_come_in_parts() {
        let mut lines = Lines::default();
        let parts = lines.add("ä".repeat(MAX_LINE).as_bytes());
        assert_eq!(parts.len(), 2);
        assert!(parts.iter().all(|p| p.chars().all(|c| c == 'ä')));
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(text in "[a-z\n\r🦀]{0,60}", at in any::<prop::sample::Index>()) {
            let bytes = text.as_bytes();
            let at = at.index(bytes.len() + 1);
            let mut whole = Lines::default();
            let mut expected = whole.add(bytes);
            expected.extend(whole.finish());
            let mut cut = Lines::default();
            let mut lines = cut.add(&bytes[..at]);
            lines.extend(cut.add(&bytes[at..]));
            lines.extend(cut.finish());
            prop_assert_eq!(lines, expected);
        }
    }
}

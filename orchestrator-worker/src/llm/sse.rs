//! Server-sent events out of a stream of bytes.

/// Cuts a stream of bytes into the data of events, whatever pieces it comes in.
#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    data: Option<String>,
    after_return: bool,
}

impl Events {
    /// The data of the events that end within these bytes.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut events = Vec::new();
        for byte in bytes {
            match byte {
                b'\n' if self.after_return => self.after_return = false,
                b'\n' | b'\r' => {
                    self.after_return = *byte == b'\r';
                    events.extend(self.end_line());
                }
                _ => {
                    self.after_return = false;
                    self.line.push(*byte);
                }
            }
        }
        events
    }

    /// What came after the last blank line: servers that end without one exist.
    pub(super) fn finish(mut self) -> Option<String> {
        let last = self.end_line();
        last.or(self.data)
    }

    fn end_line(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return self.data.take();
        }
        let line = String::from_utf8_lossy(&line);
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        if field == "data" {
            let value = value.strip_prefix(' ').unwrap_or(value);
            match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn comments_and_other_fields_are_passed_over() {
        let mut events = Events::default();
        let text = b": keep-alive\n\nevent: x\ndata: one\n\ndata:two\ndata: lines\r\n\r\nid: 7\ndata: last";
        assert_eq!(events.add(text), ["one", "two\nlines"]);
        assert_eq!(events.finish().as_deref(), Some("last"));
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(text in "(data: [a-z🦀]{0,5}(\n|\r\n|\n\n|\r\n\r\n)){0,8}", cuts in prop::collection::vec(0_usize..200, 0..6)) {
            let bytes = text.as_bytes();
            let mut whole = Events::default();
            let expected = (whole.add(bytes), whole.finish());
            let mut cut = Events::default();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(bytes.len())).chain([0, bytes.len()]).collect();
            cuts.sort_unstable();
            let events: Vec<String> = cuts.windows(2).flat_map(|p| cut.add(&bytes[p[0]..p[1]])).collect();
            prop_assert_eq!((events, cut.finish()), expected);
        }
    }
}

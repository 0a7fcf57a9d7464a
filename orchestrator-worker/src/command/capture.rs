//! What is kept of an output: its beginning and its end.

use std::collections::VecDeque;

/// Keeps the first and the last half of a cap, and counts what lies between.
#[derive(Debug)]
pub(super) struct Capture {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    half: usize,
    dropped: u64,
}

impl Capture {
    /// Keeps at most `cap` bytes.
    pub(super) fn new(cap: usize) -> Self {
        Self {
            head: Vec::new(),
            tail: VecDeque::new(),
            half: cap.div_ceil(2),
            dropped: 0,
        }
    }

    /// Takes in what was written next.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        let room = self.half.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..room]);
        // Only what can still be kept at the end is copied at all.
        let rest = &bytes[room..];
        let skipped = rest.len().saturating_sub(self.half);
        self.tail.extend(&rest[skipped..]);
        let excess = self.tail.len().saturating_sub(self.half);
        self.tail.drain(..excess);
        self.dropped += (skipped + excess) as u64;
    }

    /// The text, with a remark where something is left out.
    pub(super) fn into_text(self) -> String {
        let tail: Vec<u8> = self.tail.into();
        if self.dropped == 0 {
            let mut whole = self.head;
            whole.extend(tail);
            return String::from_utf8_lossy(&whole).into_owned();
        }
        format!(
            "{}\n[… {} bytes left out …]\n{}",
            String::from_utf8_lossy(&self.head),
            self.dropped,
            String::from_utf8_lossy(&tail)
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_ends_are_kept() {
        let mut capture = Capture::new(8);
        for chunk in [&b"abc"[..], b"defgh", b"ijklmnop", b"qr"] {
            capture.add(chunk);
        }
        assert_eq!(capture.into_text(), "abcd\n[… 10 bytes left out …]\nopqr");
    }

    proptest! {
        #[test]
        fn how_it_is_cut_does_not_matter(text in "[a-z]{0,200}", cap in 0_usize..64, cuts in prop::collection::vec(0_usize..200, 0..10)) {
            let mut whole = Capture::new(cap);
            whole.add(text.as_bytes());
            let mut parts = Capture::new(cap);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            for pair in cuts.windows(2) {
                parts.add(&text.as_bytes()[pair[0]..pair[1]]);
            }
            prop_assert_eq!(whole.into_text(), parts.into_text());
        }

        #[test]
        fn what_fits_is_whole(text in ".{0,100}") {
            let mut capture = Capture::new(1000);
            capture.add(text.as_bytes());
            prop_assert_eq!(capture.into_text(), text);
        }
    }
}

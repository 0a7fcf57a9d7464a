//! The part of a terminal that a picture is drawn in, again and again, without flicker.

use std::io::Write;

use crossterm::{
    cursor::{Hide, MoveToColumn, MoveUp, Show},
    queue,
    terminal::{self, BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate},
};

use super::tree::Line;

/// The size of what does not say its size.
const UNKNOWN: (u16, u16) = (80, 24);

/// A picture at the end of what a terminal shows.
pub struct Terminal<W: Write> {
    out: W,
    size: (u16, u16),
    /// How many columns each line of the last picture takes.
    drawn: Vec<usize>,
    hidden: bool,
}

impl<W: Write> Terminal<W> {
    /// Nothing is drawn yet.
    pub fn new(out: W) -> Self {
        Self {
            out,
            size: terminal::size().unwrap_or(UNKNOWN),
            drawn: Vec::new(),
            hidden: false,
        }
    }

    /// Looks at the size; says whether it has changed.
    pub fn measure(&mut self) -> bool {
        let size = terminal::size()
            .ok()
            .filter(|(w, h)| *w > 0 && *h > 0)
            .unwrap_or(UNKNOWN);
        std::mem::replace(&mut self.size, size) != size
    }

    /// How many columns a line may take: one less than there are, since the last one makes some terminals wrap.
    pub fn width(&self) -> usize {
        usize::from(self.size.0.saturating_sub(1)).max(1)
    }

    /// How many lines a picture may have.
    pub fn height(&self) -> usize {
        usize::from(self.size.1.saturating_sub(1)).max(3)
    }

    /// Replaces the picture. What stays the same is written over itself, so that nothing is dark in between.
    pub fn show(&mut self, lines: Vec<Line>) {
        let up = self.rows();
        let mut frame = Vec::new();
        // Writing into memory cannot fail; writing it out may, when nobody looks any more.
        let _ = queue!(frame, BeginSynchronizedUpdate, Hide);
        if up > 0 {
            let _ = queue!(frame, MoveUp(up));
        }
        let _ = queue!(frame, MoveToColumn(0));
        for line in &lines {
            let _ = write!(frame, "{}", line.text);
            let _ = queue!(frame, Clear(ClearType::UntilNewLine));
            frame.extend_from_slice(b"\r\n");
        }
        let _ = queue!(frame, Clear(ClearType::FromCursorDown), EndSynchronizedUpdate);
        let _ = self.out.write_all(&frame).and_then(|()| self.out.flush());
        self.hidden = true;
        self.drawn = lines.into_iter().map(|line| line.width).collect();
    }

    /// How many rows the last picture takes at the present width: a narrower terminal has wrapped it.
    fn rows(&self) -> u16 {
        let width = usize::from(self.size.0).max(1);
        let rows: usize = self.drawn.iter().map(|columns| columns.div_ceil(width).max(1)).sum();
        u16::try_from(rows).unwrap_or(u16::MAX)
    }

    /// Takes the picture away: something else is to be written in its place.
    pub fn erase(&mut self) {
        let up = self.rows();
        if up > 0 {
            let _ = queue!(self.out, MoveUp(up), MoveToColumn(0), Clear(ClearType::FromCursorDown));
            let _ = self.out.flush();
        }
        self.drawn.clear();
    }

    /// Leaves the picture where it is, and gives the cursor back.
    pub fn leave(&mut self) {
        self.drawn.clear();
        if std::mem::take(&mut self.hidden) {
            let _ = queue!(self.out, Show);
            let _ = self.out.flush();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line {
            text: text.to_owned(),
            width: text.len(),
        }
    }

    fn terminal() -> Terminal<Vec<u8>> {
        Terminal {
            out: Vec::new(),
            size: (10, 5),
            drawn: Vec::new(),
            hidden: false,
        }
    }

    fn written(terminal: &mut Terminal<Vec<u8>>) -> String {
        String::from_utf8(std::mem::take(&mut terminal.out)).expect("text")
    }

    #[test]
    fn a_picture_is_written_over_the_one_before() {
        let mut terminal = terminal();
        terminal.show(vec![line("one"), line("two")]);
        assert!(!written(&mut terminal).contains("\u{1b}[2A"));
        terminal.show(vec![line("three")]);
        let text = written(&mut terminal);
        assert!(
            text.contains("\u{1b}[2A") && text.contains("three\u{1b}[K\r\n\u{1b}[J"),
            "{text:?}"
        );
        terminal.leave();
        assert_eq!(written(&mut terminal), "\u{1b}[?25h");
        terminal.leave();
        assert_eq!(written(&mut terminal), "");
    }

    #[test]
    fn lines_that_a_narrower_terminal_has_wrapped_are_taken_away_too() {
        let mut terminal = terminal();
        terminal.show(vec![line("123456789")]);
        terminal.size.0 = 4;
        written(&mut terminal);
        terminal.erase();
        assert!(written(&mut terminal).starts_with("\u{1b}[3A"));
        terminal.erase();
        assert_eq!(written(&mut terminal), "");
    }
}

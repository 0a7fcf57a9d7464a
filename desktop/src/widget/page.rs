//! Pages written in Markdown.

use iced::{
    Alignment, Background, Border, Color, Element, Length, Padding, Theme,
    widget::{column, container, row, span, text::Wrapping},
};
use orchestrator_desktop_model::{
    markdown::{self, Block, Column, Marks, Piece},
    work,
};

use super::{body, spoken::spoken, surface, work as changes};
use crate::theme::{self, font, gap, size};

/// How wide a letter is at most, about: words of a few letters may have wide ones alone.
const LETTER: f32 = 7.4;

/// What is around a cell, and for a letter that is wider still.
const AROUND: f32 = 2.0 * gap::SMALL + 6.0;

/// The widest that a column is made, in letters; more goes into further lines.
const WIDEST: usize = 60;

/// Below it, a column is not made narrower than its words.
const NARROW: usize = 24;

/// A page, laid out. It owns what it shows.
pub fn view<Message: 'static>(text: &str) -> Element<'static, Message> {
    blocks(markdown::read(text))
}

fn blocks<Message: 'static>(blocks: Vec<Block>) -> Element<'static, Message> {
    column(blocks.into_iter().map(block))
        .spacing(gap::MEDIUM)
        .width(Length::Fill)
        .into()
}

fn block<Message: 'static>(block: Block) -> Element<'static, Message> {
    match block {
        Block::Heading(level, pieces) => {
            let (size, above) = match level {
                1 => (size::HEADING + 4.0, 0.0),
                2 => (size::HEADING + 1.0, gap::MEDIUM),
                _ => (size::BODY, gap::TINY),
            };
            let words = words(pieces, size, font::STRONG);
            container(words).padding(Padding::ZERO.top(above)).into()
        }
        Block::Words(pieces) => words(pieces, size::BODY, font::BODY),
        Block::Code(language, code) if language == "diff" => changes::lines(&work::change(&code)),
        Block::Code(_, code) => {
            let run = work::Run {
                style: work::Style::Code,
                text: code,
            };
            changes::lines(&[run])
        }
        Block::List(items) => column(items.into_iter().map(item)).spacing(6.0).into(),
        Block::Quote(inner) => row![
            container(iced::widget::space())
                .width(3.0)
                .height(Length::Fill)
                .style(theme::container::line),
            blocks(inner)
        ]
        .spacing(gap::MEDIUM)
        .height(Length::Shrink)
        .into(),
        Block::Table(columns, rows) => table(&columns, rows),
        Block::Line => surface::line(),
    }
}

fn item<Message: 'static>((mark, inner): (String, Vec<Block>)) -> Element<'static, Message> {
    let mark = body(mark).style(theme::text::faint).line_height(1.5).width(18.0);
    row![mark, blocks(inner)].into()
}

fn words<Message: 'static>(pieces: Vec<Piece>, size: f32, usual: iced::Font) -> Element<'static, Message> {
    let plain = markdown::plain(&pieces);
    let mut goes_on = false;
    let spans: Vec<_> = pieces
        .into_iter()
        .map(|Piece { marks, text }| {
            // A word of ASCII is drawn in the font that it begins with (cosmic-text 0.15): a word joiner makes it another.
            let joined = goes_on && !text.starts_with(char::is_whitespace);
            goes_on = !text.ends_with(char::is_whitespace);
            let text = if joined { format!("\u{2060}{text}") } else { text };
            let is_code = marks.has(Marks::CODE);
            let font = match () {
                () if is_code => font::MONO,
                () if marks.has(Marks::STRONG) => font::STRONG,
                // Inter has no italics here.
                () if marks.has(Marks::EMPHASIS) => font::MEDIUM,
                () => usual,
            };
            let words = span(text)
                .font(font)
                .underline(marks.has(Marks::LINK))
                .strikethrough(marks.has(Marks::STRUCK));
            if is_code {
                // A grey that is seen on light and on dark.
                let ground = Background::Color(Color::from_rgba(0.5, 0.5, 0.55, 0.16));
                words
                    .size(size - 1.0)
                    .background(ground)
                    .border(Border::default().rounded(3.0))
                    .padding([0.0, 2.0])
            } else {
                words
            }
        })
        .collect();
    let rich = iced::widget::text::Rich::<'static, (), Message>::with_spans(spans)
        .size(size)
        .font(usual)
        .line_height(1.5)
        .wrapping(Wrapping::WordOrGlyph);
    spoken(rich, plain)
}

fn table<Message: 'static>(columns: &[Column], rows: Vec<Vec<Vec<Piece>>>) -> Element<'static, Message> {
    let wanted: Vec<usize> = columns.iter().map(|column| column.width.clamp(2, WIDEST)).collect();
    // Columns of a few letters get what they need, and the others share what is left.
    let width = |n: usize| {
        if wanted[n] <= NARROW {
            Length::Fixed(wanted[n] as f32 * LETTER + AROUND)
        } else {
            Length::FillPortion(wanted[n] as u16)
        }
    };
    let is_wide = wanted.iter().any(|letters| *letters > NARROW);
    let lines = rows.into_iter().enumerate().map(|(line, cells)| {
        let cells = cells.into_iter().enumerate().map(|(n, cell)| {
            let usual = if line == 0 { font::MEDIUM } else { font::BODY };
            let side = if columns[n].is_right {
                Alignment::End
            } else {
                Alignment::Start
            };
            container(words(cell, size::SMALL, usual))
                .width(width(n))
                .align_x(side)
                .padding([gap::TINY, gap::SMALL])
                .into()
        });
        container(row(cells))
            .style(move |theme: &Theme| {
                let ground = theme::colours(theme);
                container::Style::default().background(if line == 0 { ground.raised } else { ground.surface })
            })
            .width(if is_wide { Length::Fill } else { Length::Shrink })
            .into()
    });
    let all = column(lines).spacing(1.0);
    // What is between the rows is the line.
    container(all)
        .padding(1.0)
        .style(|theme: &Theme| container::Style::default().background(theme::colours(theme).border))
        .max_width(wanted.iter().sum::<usize>() as f32 * LETTER + wanted.len() as f32 * AROUND + 2.0)
        .into()
}

#[cfg(test)]
mod tests {
    use crate::screen::testing::look;

    #[test]
    fn words_stay_whole_in_narrow_columns() {
        let table = "| dimension | worst |\n|---|---|\n| testability | medium |\n| mmmm | WWW |";
        let mut shown = look(super::view::<()>(table));
        for words in ["testability", "medium", "mmmm", "WWW"] {
            let bounds = shown.find(words).expect(words).bounds();
            assert!(bounds.height < 25.0, "{words} is on one line: {bounds:?}");
        }
    }
}

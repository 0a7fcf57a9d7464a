//! From Markdown to blocks.

use pulldown_cmark::{Alignment, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use unicode_width::UnicodeWidthStr;

use super::{Block, Column, Marks, Piece};

/// What stands deeper is shown at this depth: a text can nest further than a program can draw.
const DEEPEST: usize = 8;

/// Reads a text.
pub fn read(text: &str) -> Vec<Block> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut reader = Reader::default();
    for event in Parser::new_ext(text, options) {
        reader.take(event);
    }
    reader.end()
}

/// What is open, from the outside in.
enum Open {
    Quote,
    List(Option<u64>, Vec<(String, Vec<Block>)>),
    Item(String),
}

#[derive(Default)]
struct Reader {
    /// What is open, each with the blocks that were before it.
    open: Vec<(Open, Vec<Block>)>,
    blocks: Vec<Block>,
    pieces: Vec<Piece>,
    marks: Vec<Marks>,
    links: Vec<String>,
    code: Option<(String, String)>,
    table: Option<Table>,
}

#[derive(Default)]
struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Vec<Piece>>>,
}

impl Reader {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.close(tag),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.say(&text, Marks::NONE),
            Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => self.say(&text, Marks::CODE),
            // Agents break lines where they mean it.
            Event::SoftBreak | Event::HardBreak => self.say("\n", Marks::NONE),
            Event::Rule => self.blocks.push(Block::Line),
            Event::TaskListMarker(done) => self.say(if done { "☑ " } else { "☐ " }, Marks::NONE),
            Event::FootnoteReference(name) => self.say(&format!("[{name}]"), Marks::NONE),
        }
    }

    fn say(&mut self, text: &str, mark: Marks) {
        if let Some((_, code)) = &mut self.code {
            code.push_str(text);
            return;
        }
        let marks = self.marks.iter().fold(mark, |all, mark| all | *mark);
        match self.pieces.last_mut() {
            Some(last) if last.marks == marks => last.text.push_str(text),
            _ => self.pieces.push(Piece {
                marks,
                text: text.to_owned(),
            }),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Strong => self.marks.push(Marks::STRONG),
            Tag::Emphasis => self.marks.push(Marks::EMPHASIS),
            Tag::Strikethrough => self.marks.push(Marks::STRUCK),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.marks.push(Marks::LINK);
                self.links.push(dest_url.into_string());
            }
            Tag::CodeBlock(kind) => {
                self.words();
                let language = match kind {
                    CodeBlockKind::Fenced(language) => language.into_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((language, String::new()));
            }
            Tag::Table(sides) => {
                self.words();
                let column = |side: Alignment| Column {
                    width: 0,
                    is_right: side == Alignment::Right,
                };
                self.table = Some(Table {
                    columns: sides.into_iter().map(column).collect(),
                    rows: Vec::new(),
                });
            }
            Tag::TableHead | Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.rows.push(Vec::new());
                }
            }
            Tag::BlockQuote(_) => self.nest(Open::Quote),
            Tag::List(first) => self.nest(Open::List(first, Vec::new())),
            Tag::Item => {
                let mark = match self.open.last_mut() {
                    Some((Open::List(Some(number), _), _)) => {
                        *number = number.saturating_add(1);
                        format!("{}.", *number - 1)
                    }
                    _ => "•".to_owned(),
                };
                self.nest(Open::Item(mark));
            }
            _ => {}
        }
    }

    fn close(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Strong | TagEnd::Emphasis | TagEnd::Strikethrough => drop(self.marks.pop()),
            TagEnd::Link | TagEnd::Image => {
                self.marks.pop();
                self.link();
            }
            TagEnd::Heading(level) => {
                let pieces = std::mem::take(&mut self.pieces);
                let level = match level {
                    HeadingLevel::H1 => 1,
                    HeadingLevel::H2 => 2,
                    _ => 3,
                };
                self.blocks.push(Block::Heading(level, pieces));
            }
            TagEnd::Paragraph | TagEnd::HtmlBlock => self.words(),
            TagEnd::CodeBlock => {
                if let Some((language, code)) = self.code.take() {
                    self.blocks.push(Block::Code(language, code.trim_end().to_owned()));
                }
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.pieces);
                if let Some(row) = self.table.as_mut().and_then(|table| table.rows.last_mut()) {
                    row.push(cell);
                }
            }
            TagEnd::Table => {
                if let Some(table) = self.table.take() {
                    self.blocks.push(table.block());
                }
            }
            TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::Item => self.unnest(),
            _ => {}
        }
    }

    /// Where a link leads is said beside it, since nobody can press it to find out.
    fn link(&mut self) {
        let Some(to) = self.links.pop() else { return };
        let said = self
            .pieces
            .last()
            .is_some_and(|piece| piece.text.contains(to.trim_start_matches("mailto:")));
        if !said && !to.is_empty() && !to.starts_with('#') {
            self.say(&format!(" ({to})"), Marks::NONE);
        }
    }

    /// What was said until now is a block.
    fn words(&mut self) {
        let pieces = std::mem::take(&mut self.pieces);
        if !super::plain(&pieces).trim().is_empty() {
            self.blocks.push(Block::Words(pieces));
        }
    }

    fn nest(&mut self, open: Open) {
        self.words();
        self.open.push((open, std::mem::take(&mut self.blocks)));
    }

    fn unnest(&mut self) {
        self.words();
        let Some((open, before)) = self.open.pop() else { return };
        let inner = std::mem::replace(&mut self.blocks, before);
        match open {
            Open::Item(mark) => match self.open.last_mut() {
                Some((Open::List(_, items), _)) => items.push((mark, inner)),
                _ => self.blocks.extend(inner),
            },
            Open::List(_, items) if self.open.len() >= DEEPEST => {
                self.blocks.extend(items.into_iter().flat_map(|(_, blocks)| blocks));
            }
            Open::List(_, items) => self.blocks.push(Block::List(items)),
            Open::Quote if self.open.len() >= DEEPEST => self.blocks.extend(inner),
            Open::Quote => self.blocks.push(Block::Quote(inner)),
        }
    }

    fn end(mut self) -> Vec<Block> {
        while !self.open.is_empty() {
            self.unnest();
        }
        self.words();
        self.blocks
    }
}

impl Table {
    fn block(mut self) -> Block {
        for row in &mut self.rows {
            row.resize_with(self.columns.len(), Vec::new);
            for (column, cell) in self.columns.iter_mut().zip(&*row) {
                column.width = column.width.max(super::plain(cell).width());
            }
        }
        Block::Table(self.columns, self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Block {
        Block::Words(vec![piece(Marks::NONE, text)])
    }

    fn piece(marks: Marks, text: &str) -> Piece {
        Piece {
            marks,
            text: text.to_owned(),
        }
    }

    #[test]
    fn what_a_page_has() {
        let page = "# Review of `shop`\n\n**Verdict: fair**\nand *more*\n\n- one\n- two\n  1. deep\n\n> Note: a\n\n```rs\nlet x;\n```\n\n---";
        let expected = [
            Block::Heading(1, vec![piece(Marks::NONE, "Review of "), piece(Marks::CODE, "shop")]),
            Block::Words(vec![
                piece(Marks::STRONG, "Verdict: fair"),
                piece(Marks::NONE, "\nand "),
                piece(Marks::EMPHASIS, "more"),
            ]),
            Block::List(vec![
                ("•".to_owned(), vec![words("one")]),
                (
                    "•".to_owned(),
                    vec![words("two"), Block::List(vec![("1.".to_owned(), vec![words("deep")])])],
                ),
            ]),
            Block::Quote(vec![words("Note: a")]),
            Block::Code("rs".to_owned(), "let x;".to_owned()),
            Block::Line,
        ];
        assert_eq!(read(page), expected);
    }

    #[test]
    fn tables_have_columns_and_whole_rows() {
        let blocks = read("| dimension | score |\n|---|---:|\n| security | 3.0 |\n| short |\n");
        let [Block::Table(columns, rows)] = &blocks[..] else {
            panic!("{blocks:?}")
        };
        let told: Vec<_> = columns.iter().map(|column| (column.width, column.is_right)).collect();
        assert_eq!(told, [(9, false), (5, true)]);
        assert_eq!((rows.len(), rows[2].len()), (3, 2));
        assert_eq!(super::super::plain(&rows[1][1]), "3.0");
    }

    #[test]
    fn links_say_where_they_lead() {
        let told = |text: &str| match &read(text)[..] {
            [Block::Words(pieces)] => super::super::plain(pieces),
            other => panic!("{other:?}"),
        };
        assert_eq!(told("[here](https://evil.example)"), "here (https://evil.example)");
        assert_eq!(told("<https://a.example>"), "https://a.example");
        assert_eq!(told("![a cat](cat.png)"), "a cat (cat.png)");
    }

    #[test]
    fn nothing_is_lost_and_nothing_nests_without_end() {
        fn depth(blocks: &[Block]) -> usize {
            let inner = blocks.iter().map(|block| match block {
                Block::Quote(inner) => 1 + depth(inner),
                Block::List(items) => 1 + items.iter().map(|(_, inner)| depth(inner)).max().unwrap_or(0),
                _ => 0,
            });
            inner.max().unwrap_or(0)
        }
        let quotes = format!("{}deep", "> ".repeat(5_000));
        assert!(depth(&read(&quotes)) <= DEEPEST);
        let lists: Vec<String> = (0..500).map(|n| format!("{}- x", "  ".repeat(n))).collect();
        assert!(depth(&read(&lists.join("\n"))) <= DEEPEST);
        assert!(format!("{:?}", read(&quotes)).contains("deep"));
        for odd in [
            "<b>html</b>",
            "<div>\nx\n</div>",
            "[a",
            "|",
            "```",
            "**",
            "\u{0}",
            "مرحبا **🚀**",
        ] {
            let told = format!("{:?}", read(odd));
            assert!(!told.is_empty(), "{told}");
        }
        assert_eq!(read("<div>\nx\n</div>"), [words("<div>\nx\n</div>")]);
    }
}

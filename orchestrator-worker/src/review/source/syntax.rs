//! How each language writes comments and strings: the table that the lexer reads.

use super::language::Language;

/// One way to write a string.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quote {
    pub open: &'static str,
    pub close: &'static str,
    /// A backslash takes the next character with it.
    pub escapes: bool,
    /// May go on beyond the end of the line. Others end there, so that one stray quote costs one line at most.
    pub multiline: bool,
}

/// How a language writes comments and strings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Syntax {
    pub line_comments: &'static [&'static str],
    pub block_comments: &'static [(&'static str, &'static str)],
    /// Block comments nest.
    pub nested: bool,
    /// Longest opening first.
    pub quotes: &'static [Quote],
    /// `#` starts a comment only at the start of a word, as in shells.
    pub hash_at_word_start: bool,
}

const fn quote(open: &'static str, escapes: bool, multiline: bool) -> Quote {
    Quote { open, close: open, escapes, multiline }
}

const DOUBLE: Quote = quote("\"", true, false);
const DOUBLE_LONG: Quote = quote("\"", true, true);
const SINGLE: Quote = quote("'", true, false);
const TRIPLE: Quote = quote("\"\"\"", true, true);
const TRIPLE_SINGLE: Quote = quote("'''", true, true);
const SINGLE_LONG: Quote = quote("'", true, true);
const SINGLE_RAW: Quote = quote("'", false, false);
const SINGLE_RAW_LONG: Quote = quote("'", false, true);
const DOUBLE_RAW_LONG: Quote = quote("\"", false, true);
const TRIPLE_SINGLE_RAW: Quote = quote("'''", false, true);
const BACKTICK: Quote = quote("`", true, true);
const BACKTICK_RAW: Quote = quote("`", false, true);

const NONE: Syntax =
    Syntax { line_comments: &[], block_comments: &[], nested: false, quotes: &[], hash_at_word_start: false };
const C_LIKE: Syntax =
    Syntax { line_comments: &["//"], block_comments: &[("/*", "*/")], quotes: &[DOUBLE, SINGLE], ..NONE };
const NESTED: Syntax = Syntax { nested: true, ..C_LIKE };
const HASH: Syntax = Syntax { line_comments: &["#"], quotes: &[DOUBLE, SINGLE], ..NONE };

impl Syntax {
    pub(super) fn of(language: Language) -> Self {
        match language {
            // Rust's own quotes (raw strings, lifetimes) are handled by the lexer.
            Language::Rust => Self { quotes: &[DOUBLE_LONG], ..NESTED },
            Language::Python => Self { quotes: &[TRIPLE, TRIPLE_SINGLE, DOUBLE, SINGLE], ..HASH },
            // Template literals are handled by the lexer because code nests in them.
            Language::JavaScript | Language::TypeScript | Language::Component | Language::Proto => C_LIKE,
            Language::Go => Self { quotes: &[BACKTICK_RAW, DOUBLE, SINGLE], ..C_LIKE },
            Language::Java | Language::CSharp | Language::Groovy => Self { quotes: &[TRIPLE, DOUBLE, SINGLE], ..C_LIKE },
            Language::Kotlin | Language::Scala | Language::Swift => Self { quotes: &[TRIPLE, DOUBLE, SINGLE], ..NESTED },
            Language::Dart => Self { quotes: &[TRIPLE, TRIPLE_SINGLE, DOUBLE, SINGLE], ..NESTED },
            Language::C | Language::Cpp | Language::ObjectiveC => C_LIKE,
            Language::Zig => Self { block_comments: &[], ..C_LIKE },
            Language::Php => Self {
                line_comments: &["//", "#"],
                quotes: &[DOUBLE_LONG, SINGLE_LONG],
                ..C_LIKE
            },
            Language::Ruby => Self { block_comments: &[("\n=begin", "\n=end")], quotes: &[DOUBLE, SINGLE, BACKTICK], ..HASH },
            Language::Elixir => Self { quotes: &[TRIPLE, TRIPLE_SINGLE, DOUBLE, SINGLE], ..HASH },
            Language::Shell => Self {
                quotes: &[DOUBLE_LONG, SINGLE_RAW_LONG],
                hash_at_word_start: true,
                ..HASH
            },
            Language::PowerShell => Self { block_comments: &[("<#", "#>")], quotes: &[DOUBLE_RAW_LONG, SINGLE_RAW_LONG], ..HASH },
            Language::Lua => Self {
                line_comments: &["--"],
                block_comments: &[("--[[", "]]"), ("--[=[", "]=]")],
                quotes: &[Quote { open: "[[", close: "]]", escapes: false, multiline: true }, DOUBLE, SINGLE],
                ..NONE
            },
            Language::Perl => Self { block_comments: &[("\n=pod", "\n=cut"), ("\n=head", "\n=cut")], ..HASH },
            Language::R | Language::Yaml | Language::Dockerfile | Language::Makefile | Language::CMake => {
                Self { hash_at_word_start: true, ..HASH }
            }
            Language::Toml => Self { quotes: &[TRIPLE, TRIPLE_SINGLE_RAW, DOUBLE, SINGLE_RAW], ..HASH },
            Language::Ini => Self { line_comments: &["#", ";"], quotes: &[], hash_at_word_start: true, ..HASH },
            Language::Sql => Self {
                line_comments: &["--"],
                block_comments: &[("/*", "*/")],
                quotes: &[SINGLE_RAW_LONG, DOUBLE_RAW_LONG],
                ..NONE
            },
            Language::Terraform => Self { line_comments: &["#", "//"], quotes: &[DOUBLE], ..C_LIKE },
            Language::Html | Language::Xml | Language::Markdown => Self { block_comments: &[("<!--", "-->")], ..NONE },
            Language::Css => Self { line_comments: &[], ..C_LIKE },
            Language::Json => Self { line_comments: &[], block_comments: &[], quotes: &[DOUBLE], ..NONE },
            Language::Text => NONE,
        }
    }
}

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
    Quote {
        open,
        close: open,
        escapes,
        multiline,
    }
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

const LONG_BRACKETS: Quote = Quote {
    open: "[[",
    close: "]]",
    escapes: false,
    multiline: true,
};

const NONE: Syntax = Syntax {
    line_comments: &[],
    block_comments: &[],
    nested: false,
    quotes: &[],
    hash_at_word_start: false,
};
const C_LIKE: Syntax = NONE.lines(&["//"]).blocks(&[("/*", "*/")]).quoted(&[DOUBLE, SINGLE]);
const NESTED: Syntax = Syntax { nested: true, ..C_LIKE };
const HASH: Syntax = NONE.lines(&["#"]).quoted(&[DOUBLE, SINGLE]);
const WORD_HASH: Syntax = Syntax {
    hash_at_word_start: true,
    ..HASH
};

impl Syntax {
    const fn lines(self, line_comments: &'static [&'static str]) -> Self {
        Self { line_comments, ..self }
    }

    const fn blocks(self, block_comments: &'static [(&'static str, &'static str)]) -> Self {
        Self { block_comments, ..self }
    }

    const fn quoted(self, quotes: &'static [Quote]) -> Self {
        Self { quotes, ..self }
    }

    /// Rust's raw strings and lifetimes, template literals, regular expressions and here-documents are the lexer's.
    pub(super) fn of(language: Language) -> Self {
        match language {
            Language::Rust => NESTED.quoted(&[DOUBLE_LONG]),
            Language::JavaScript
            | Language::TypeScript
            | Language::Component
            | Language::Proto
            | Language::C
            | Language::Cpp
            | Language::ObjectiveC => C_LIKE,
            Language::Go => C_LIKE.quoted(&[BACKTICK_RAW, DOUBLE, SINGLE]),
            Language::Java | Language::CSharp | Language::Groovy => C_LIKE.quoted(&[TRIPLE, DOUBLE, SINGLE]),
            Language::Kotlin | Language::Scala | Language::Swift => NESTED.quoted(&[TRIPLE, DOUBLE, SINGLE]),
            Language::Dart => NESTED.quoted(&[TRIPLE, TRIPLE_SINGLE, DOUBLE, SINGLE]),
            Language::Zig => C_LIKE.blocks(&[]),
            Language::Php => C_LIKE.lines(&["//", "#"]).quoted(&[DOUBLE_LONG, SINGLE_LONG]),
            Language::Css => C_LIKE.lines(&[]),
            Language::Terraform => C_LIKE.lines(&["#", "//"]).quoted(&[DOUBLE]),
            Language::Python | Language::Elixir => HASH.quoted(&[TRIPLE, TRIPLE_SINGLE, DOUBLE, SINGLE]),
            Language::Ruby => HASH
                .blocks(&[("\n=begin", "\n=end")])
                .quoted(&[DOUBLE, SINGLE, BACKTICK]),
            Language::Perl => HASH.blocks(&[("\n=pod", "\n=cut"), ("\n=head", "\n=cut")]),
            Language::PowerShell => HASH.blocks(&[("<#", "#>")]).quoted(&[DOUBLE_RAW_LONG, SINGLE_RAW_LONG]),
            Language::Toml => HASH.quoted(&[TRIPLE, TRIPLE_SINGLE_RAW, DOUBLE, SINGLE_RAW]),
            Language::Shell => WORD_HASH.quoted(&[DOUBLE_LONG, SINGLE_RAW_LONG]),
            Language::R | Language::Yaml | Language::Dockerfile | Language::Makefile | Language::CMake => WORD_HASH,
            Language::Ini => WORD_HASH.lines(&["#", ";"]).quoted(&[]),
            Language::Lua => NONE
                .lines(&["--"])
                .blocks(&[("--[[", "]]"), ("--[=[", "]=]")])
                .quoted(&[LONG_BRACKETS, DOUBLE, SINGLE]),
            Language::Sql => NONE
                .lines(&["--"])
                .blocks(&[("/*", "*/")])
                .quoted(&[SINGLE_RAW_LONG, DOUBLE_RAW_LONG]),
            Language::Html | Language::Xml | Language::Markdown => NONE.blocks(&[("<!--", "-->")]),
            Language::Json => NONE.quoted(&[DOUBLE]),
            Language::Text => NONE,
        }
    }
}

//! What the table of quotes cannot say: lifetimes, raw strings, template literals, regular expressions, here-documents.

use super::{Class, Lexer};
use crate::review::source::language::Language;
use crate::review::source::syntax::Quote;

/// A longer one is none; looking further would take hours on a line that is made for it.
const LONGEST_REGEX: usize = 2_000;
/// Words after which a `/` starts a regular expression in JavaScript.
const BEFORE_REGEX: &[&str] = &[
    "return", "typeof", "case", "in", "of", "void", "delete", "throw", "new", "else", "do", "await", "yield",
];

impl Lexer<'_> {
    /// Handles what is special to the language at the current byte; false when nothing is.
    pub(super) fn special(&mut self) -> bool {
        match self.language {
            Language::Rust => self.rust(),
            Language::JavaScript | Language::TypeScript | Language::Component => self.javascript(),
            Language::Cpp | Language::C => self.cpp(),
            Language::CSharp => self.csharp(),
            Language::Shell => self.heredoc_start() || self.shell_escape(),
            Language::Ruby => self.heredoc_start() || self.ruby(),
            Language::Php => self.heredoc_start(),
            Language::Perl => self.heredoc_start() || self.perl(),
            _ => false,
        }
    }

    fn after_word(&self) -> bool {
        let before = self.previous();
        before.is_ascii_alphanumeric() || before == b'_'
    }

    /// A quoted piece whose terminator is not in the table.
    fn raw(&mut self, open: usize, close: &[u8]) {
        self.at += open;
        let rest = self.rest();
        let length = rest
            .windows(close.len())
            .position(|window| window == close)
            .unwrap_or(rest.len());
        self.take(length, Class::Text);
        self.at = (self.at + close.len()).min(self.bytes.len());
    }

    fn rust(&mut self) -> bool {
        let rest = self.rest();
        match rest {
            [b'r', ..] | [b'b' | b'c', b'r', ..] if !self.after_word() => {
                let prefix = if rest[0] == b'r' { 1 } else { 2 };
                let hashes = rest[prefix..].iter().take_while(|byte| **byte == b'#').count();
                if rest.get(prefix + hashes) != Some(&b'"') {
                    return false;
                }
                let mut close = vec![b'"'];
                close.resize(1 + hashes, b'#');
                self.raw(prefix + hashes + 1, &close);
                true
            }
            [b'\'', b'\\', ..] => {
                self.quoted(Quote {
                    open: "'",
                    close: "'",
                    escapes: true,
                    multiline: false,
                });
                true
            }
            [b'\'', first, ..] if *first != b'\'' => {
                // `'x'` is a character, `'x` a lifetime. A character may be several bytes.
                let length = std::str::from_utf8(&rest[1..rest.len().min(5)])
                    .map_or_else(|error| error.valid_up_to(), str::len)
                    .min(4);
                let character = std::str::from_utf8(&rest[1..=length])
                    .ok()
                    .and_then(|text| text.chars().next());
                let width = character.map_or(1, char::len_utf8);
                if rest.get(1 + width) == Some(&b'\'') {
                    self.at += 1;
                    self.take(width, Class::Text);
                    self.at += 1;
                } else {
                    self.at += 1;
                }
                true
            }
            _ => false,
        }
    }

    fn javascript(&mut self) -> bool {
        match self.bytes[self.at] {
            b'`' => {
                self.at += 1;
                self.template_text();
                true
            }
            b'{' if !self.templates.is_empty() => {
                self.count_template_brace(1);
                false
            }
            b'}' if self.templates.last() == Some(&0) => {
                self.templates.pop();
                self.at += 1;
                self.template_text();
                true
            }
            b'}' if !self.templates.is_empty() => {
                self.count_template_brace(-1);
                false
            }
            b'/' => self.regex(),
            // An apostrophe inside JSX text or an HTML part, as in `don't`, is no quote.
            b'\'' if self.after_word() && self.peek(1).is_ascii_lowercase() => {
                let word = self.word_before();
                if BEFORE_REGEX.contains(&word) || matches!(word, "from" | "import" | "default" | "as") {
                    return false;
                }
                self.at += 1;
                true
            }
            _ => false,
        }
    }

    fn count_template_brace(&mut self, change: i32) {
        if let Some(depth) = self.templates.last_mut() {
            *depth = depth.saturating_add_signed(change);
        }
    }

    /// Steps over the text of a template literal up to its end or the next `${`.
    fn template_text(&mut self) {
        let rest = self.rest();
        let mut length = 0;
        while length < rest.len() {
            match rest[length..] {
                [b'\\', ..] => length += 2,
                [b'`', ..] => {
                    self.take(length, Class::Text);
                    self.at += 1;
                    return;
                }
                [b'$', b'{', ..] => {
                    // The dollar is blanked so that the braces balance as code.
                    self.take(length + 1, Class::Text);
                    self.at += 1;
                    self.templates.push(0);
                    return;
                }
                _ => length += 1,
            }
        }
        self.take(length, Class::Text);
    }

    fn word_before(&self) -> &str {
        let end = self.at;
        let start = self.bytes[..end]
            .iter()
            .rposition(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
        std::str::from_utf8(&self.bytes[start.map_or(0, |at| at + 1)..end]).unwrap_or_default()
    }

    /// A `/` that starts a regular expression: where no division can stand, and closed on the same line.
    fn regex(&mut self) -> bool {
        if self.peek(1) == b'>' {
            return false;
        }
        let before = self.bytes[..self.at]
            .iter()
            .rposition(|byte| !matches!(byte, b' ' | b'\t'));
        let allowed = before.is_none_or(|at| match self.bytes[at] {
            b'(' | b',' | b'=' | b':' | b'[' | b'!' | b'&' | b'|' | b'?' | b'{' | b';' | b'+' | b'\n' | b'\r'
            | b'~' => true,
            b'>' => at > 0 && self.bytes[at - 1] == b'=',
            byte if byte.is_ascii_alphanumeric() || byte == b'_' => {
                let word: Vec<u8> = self.bytes[..=at]
                    .iter()
                    .rev()
                    .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
                    .copied()
                    .collect();
                let word: String = word.iter().rev().map(|byte| char::from(*byte)).collect();
                BEFORE_REGEX.contains(&word.as_str())
            }
            _ => false,
        });
        if !allowed {
            return false;
        }
        let rest = self.rest();
        let mut class = false;
        let mut length = 1;
        while length < rest.len().min(LONGEST_REGEX) && rest[length] != b'\n' {
            match rest[length] {
                b'\\' => length += 1,
                b'[' => class = true,
                b']' => class = false,
                b'/' if !class => {
                    self.at += 1;
                    self.take(length - 1, Class::Text);
                    self.at += 1;
                    return true;
                }
                _ => {}
            }
            length += 1;
        }
        false
    }

    fn cpp(&mut self) -> bool {
        let rest = self.rest();
        if rest.starts_with(b"R\"") {
            let Some(paren) = rest.iter().take(20).position(|byte| *byte == b'(') else {
                return false;
            };
            let mut close = vec![b')'];
            close.extend_from_slice(&rest[2..paren]);
            close.push(b'"');
            self.raw(paren + 1, &close);
            return true;
        }
        // A digit separator, as in `1'000`.
        if rest[0] == b'\''
            && self.previous().is_ascii_hexdigit()
            && self.peek(1).is_ascii_hexdigit()
            && self.after_word()
        {
            self.at += 1;
            return true;
        }
        false
    }

    fn csharp(&mut self) -> bool {
        let rest = self.rest();
        let open = [&b"@\""[..], b"$@\"", b"@$\""]
            .iter()
            .find(|open| rest.starts_with(open))
            .map(|open| open.len());
        let Some(open) = open else { return false };
        // Verbatim: a doubled quote is a quote, which here ends one string and starts the next.
        self.at += open;
        let rest = self.rest();
        let length = rest.iter().position(|byte| *byte == b'"').unwrap_or(rest.len());
        self.take(length, Class::Text);
        if self.rest().starts_with(b"\"\"") {
            self.classes[self.at] = Class::Text;
            self.at += 1;
            self.quoted(Quote {
                open: "\"",
                close: "\"",
                escapes: false,
                multiline: true,
            });
        } else {
            self.at = (self.at + 1).min(self.bytes.len());
        }
        true
    }

    fn shell_escape(&mut self) -> bool {
        if self.bytes[self.at] == b'\\' {
            self.at = (self.at + 2).min(self.bytes.len());
            return true;
        }
        false
    }

    fn ruby(&mut self) -> bool {
        let rest = self.rest();
        match rest {
            // `?"` is a character, `$'` a variable.
            [b'?' | b'$', b'"' | b'\'' | b'`', ..] if !self.after_word() => {
                self.at += 2;
                true
            }
            [b'%', b'q' | b'Q' | b'w' | b'W' | b'i' | b'r', open, ..] => {
                let close = match open {
                    b'(' => b')',
                    b'[' => b']',
                    b'{' => b'}',
                    b'<' => b'>',
                    b'|' | b'!' | b'/' => *open,
                    _ => return false,
                };
                self.raw(3, &[close]);
                true
            }
            [b'/', ..] => self.regex(),
            _ => false,
        }
    }

    fn perl(&mut self) -> bool {
        // `$#array`, `s#a#b#`, `m'…'` would all be misread; only the first is frequent.
        if self.rest().starts_with(b"$#") {
            self.at += 2;
            return true;
        }
        false
    }

    /// `<<EOF`, `<<-'EOF'`, `<<~SQL`, `<<<HTML`: remembers the terminator; the text starts on the next line.
    fn heredoc_start(&mut self) -> bool {
        let rest = self.rest();
        let arrows = if self.language == Language::Php { 3 } else { 2 };
        if !rest.starts_with(&b"<<<"[..arrows]) || rest.get(arrows) == Some(&b'<') {
            return false;
        }
        let mut at = arrows;
        let mut indented = self.language == Language::Php;
        while let Some(b'-' | b'~' | b' ') = rest.get(at) {
            // Ruby's `a << B` appends; a here-document has no blank there.
            if rest[at] == b' ' && self.language == Language::Ruby {
                return false;
            }
            indented |= rest[at] != b' ';
            at += 1;
        }
        let quoted = matches!(rest.get(at), Some(b'"' | b'\'' | b'\\'));
        at += usize::from(quoted);
        let word: Vec<u8> = rest[at..]
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
            .copied()
            .collect();
        let bare_constant = word.first().is_some_and(u8::is_ascii_uppercase);
        if word.is_empty() || word[0].is_ascii_digit() || (self.language == Language::Ruby && !quoted && !bare_constant)
        {
            return false;
        }
        at += word.len() + usize::from(quoted && matches!(rest.get(at + word.len()), Some(b'"' | b'\'')));
        self.heredocs.push((word, indented));
        self.at += at;
        true
    }

    /// Steps from the end of a line over the here-documents that it announced.
    pub(super) fn skip_heredocs(&mut self) {
        for (word, indented) in std::mem::take(&mut self.heredocs) {
            self.at += 1;
            while self.at < self.bytes.len() {
                let end = self.line_end();
                let line = self.rest()[..end].trim_ascii_end();
                let line = if indented { line.trim_ascii_start() } else { line };
                let bare = line.strip_suffix(b";").unwrap_or(line);
                if bare == word.as_slice() {
                    self.at += end;
                    break;
                }
                self.take(end + 1, Class::Text);
            }
        }
    }
}

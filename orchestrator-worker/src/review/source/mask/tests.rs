use super::*;
use proptest::prelude::*;

fn code(language: Language, text: &str) -> String {
    Mask::new(language, text)
        .code
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn comments_and_strings_are_blanked_in_every_language() {
    for (language, text, expected) in [
        (Language::Rust, r#"let a = "{"; // {"#, r#"let a = " ";"#),
        (Language::Rust, "/* a /* b */ c */ x", "x"),
        (
            Language::Rust,
            r##"r#"a"b"# + br"x" + 'a' + '\'' + '{'"##,
            r##"r#" "# + br" " + ' ' + ' ' + ' '"##,
        ),
        (
            Language::Rust,
            "fn f<'a>(x: &'a str) -> &'static str { x }",
            "fn f<'a>(x: &'a str) -> &'static str { x }",
        ),
        (Language::Rust, "let q = 'ü'; g('\\n')", "let q = ' '; g(' ')"),
        (Language::Python, "x = '#' # c", "x = ' '"),
        (Language::Python, "def f():\n  '''a\n  b'''\n  y", "def f(): ''' ''' y"),
        (
            Language::JavaScript,
            "a = /[/'\"]/.test(b) / 2 // c",
            "a = / /.test(b) / 2",
        ),
        (Language::JavaScript, "`a ${b + `{${c}`} d` + e", "` {b + ` {c}`} ` + e"),
        (Language::JavaScript, "x = a / b / c; '//'", "x = a / b / c; ' '"),
        (Language::JavaScript, "<p>don't {x} </p>", "<p>don't {x} </p>"),
        (Language::JavaScript, "import a from'b'", "import a from' '"),
        (Language::Go, "a := `{\n` + '{' + \"\\\"{\"", "a := ` ` + ' ' + \" \""),
        (
            Language::Java,
            "String s = \"\"\"\n{ \"x\" }\n\"\"\"; int x;",
            "String s = \"\"\" \"\"\"; int x;",
        ),
        (
            Language::Cpp,
            "auto s = R\"x({\")x\"; int n = 1'000'000;",
            "auto s = R\"x( )x\"; int n = 1'000'000;",
        ),
        (Language::CSharp, "var p = @\"C:\\\"; x();", "var p = @\" \"; x();"),
        (
            Language::Shell,
            "echo $# ${#a} # c {\ncat <<EOF\n{ '\nEOF\nls",
            "echo $# ${#a} cat <<EOF EOF ls",
        ),
        (Language::Shell, "a='{\n}' b", "a=' ' b"),
        (Language::Ruby, "=begin\nx {\n=end\ny = %w(a b) # z", "y = %w( )"),
        (Language::Ruby, "x = <<~SQL\n  select '\nSQL\ny", "x = <<~SQL SQL y"),
        (Language::Lua, "--[[ a\nb ]] x = [[ { ]] -- y", "x = [[ ]]"),
        (
            Language::Php,
            "<?php $a = \"x\ny\"; # c\n#[Attr]\n$b = <<<HTML\n<p>\n  HTML;\nz",
            "<?php $a = \" \"; #[Attr] $b = <<<HTML HTML; z",
        ),
        (Language::Sql, "select 'a--b' -- c", "select ' '"),
        (Language::Html, "<a><!-- x --></a>", "<a> </a>"),
        (Language::Yaml, "url: http://x#y # c", "url: http://x#y"),
        (Language::Css, "a { /* } */ }", "a { }"),
    ] {
        assert_eq!(code(language, text), expected, "{language}: {text}");
    }
}

#[test]
fn a_stray_quote_costs_one_line() {
    assert_eq!(code(Language::JavaScript, "x = ' {\ny = {}"), "x = ' y = {}");
}

#[test]
fn lines_are_counted_by_their_code() {
    let mask = Mask::new(Language::Python, "# c\n\nx = 1\n'''\ntext\n'''\ny = 2\n");
    assert_eq!((mask.code_lines_in(1, 3), mask.code_lines_in(1, u32::MAX)), (1, 4));
    assert_eq!(
        (mask.line_at(0), mask.line_at(3), mask.line_at(5), mask.line_start(3)),
        (1, 1, 3, 5)
    );
}

proptest! {
    // Each case is tried in every language.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_text_keeps_its_length_and_lines(text in "(?s)[a-z\"'`/*#\\\\\n{}$<>=ü -]{0,120}") {
        for language in Language::ALL {
            let mask = Mask::new(*language, &text);
            prop_assert_eq!(mask.code.len(), text.len());
            prop_assert_eq!(mask.comments.len(), text.len());
            prop_assert_eq!(mask.code.matches('\n').count(), text.matches('\n').count());
        }
    }
}

//! What the text before a `{` looks like when it opens a function, language by language.
//!
//! A header is *flat*: what was inside brackets is gone and only `()`, `[]` or `{}` is left, so that plain regular
//! expressions are enough.

use std::sync::LazyLock;

use regex::Regex;

use crate::review::source::language::Language;

/// What a `{` opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Opens {
    /// A function with this name.
    Function(String),
    /// A loop, a condition: one more level of nesting.
    Control,
    /// A class, a closure, a plain block.
    Block,
    /// An expression or a type; the statement goes on behind the closing brace.
    Expression,
}

/// True when functions of the language can be found by their braces.
pub(super) fn is_supported(language: Language) -> bool {
    rule(language).is_some()
}

/// True when a line end ends a statement, unless something is open.
pub(super) fn ends_at_newline(language: Language) -> bool {
    matches!(
        language,
        Language::Go | Language::Swift | Language::Kotlin | Language::Scala | Language::Groovy
    )
}

macro_rules! regexes {
    ($($name:ident = $pattern:expr;)+) => {
        $(static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($pattern).expect("a constant pattern, built by a test"));)+
    };
}

regexes! {
    RUST = r"\bfn\s+(?P<n>[A-Za-z_]\w*)[^=]*(?:->.*)?$";
    GO = r"^\s*func\s*(?:\(\)\s*)?(?P<n>\w+)\s*(?:\[\])?\s*\(\)";
    KOTLIN = r"\bfun\s+(?:<.*>\s*)?(?:[\w.<>?*, ]+\.)?(?P<n>\w+|`[^`]*`)\s*\(\)[^=]*$";
    SWIFT = r"\b(?:func\s+(?P<n>\w+)|(?P<i>init|deinit)\b\??)[^=]*$";
    SCALA = r"\bdef\s+(?P<n>\w+).*$";
    PHP = r"\bfunction\s+&?(?P<n>\w+)\s*\(\)[^=]*$";
    ZIG = r"\bfn\s+(?P<n>\w+)\s*\(\)[^=]*$";
    POWERSHELL = r"(?i)\bfunction\s+(?P<n>[\w:-]+)\s*(?:\(\))?\s*$";
    SCRIPT = r"(?x)
        \bfunction\s*\*?\s*(?P<n>[\w$]+)\s*(?:<.*>)?\s*\(\)\s*(?::[^=;]*)?$
        | (?P<v>[\w$]+)\s*(?::[^=;]*)?[=:]\s*(?:async\s+)?function\b\s*\*?\s*(?:<.*>)?\s*\(\)\s*(?::[^=;]*)?$
        | (?P<a>[\w$]+)\s*(?::[^;]*)?[=:]\s*(?:async\s*)?(?:<.*>\s*)?(?:\(\)\s*(?::[^=;]*)?|[\w$]+\s*)=>\s*$
        | (?:^|[\n;{},\s*])(?P<m>[\w$\#]+)\s*(?:<[^=;]*>)?\s*\(\)\s*(?::[^=;]*)?$";
    TYPED = r"(?x)
        (?:^|[\s*&>~])(?P<n>(?:[A-Za-z_]\w*(?:<[^;=]*>)?::)*~?[A-Za-z_]\w*|operator\s*\S{1,3})\s*(?:<[^;=(]*>)?\s*\(\)
        \s*(?:const\b|volatile\b|noexcept(?:\s*\(\))?|override\b|final\b|mutable\b|&{1,2}|throws\s[\w.,\s]+|->\s*[\w:<>,*&\s]+
            |where\s[^={]*|async\b\*?|sync\*|__attribute__\s*\(\)|default\s.*|:\s*[\w:<>(){},.\s\[\]]+)*\s*$";
    CONTROL = r"\b(?:if|else|for|foreach|while|switch|match|try|catch|loop|do|select|guard|repeat|when|finally|unless)\b";
    NOT_A_NAME = r"^(?:if|else|for|foreach|while|switch|match|try|catch|loop|do|select|return|synchronized|lock|using|fixed|when|with|new|throw|sizeof|await|super|this|defined|and|or|not|function|guard|repeat)$";
    CLASS_LIKE = r"\b(?:class|interface|enum|record|object|trait|impl|namespace|mod|module|extension|protocol|union)\b|\bnew\s+[\w.<>,\s]+\(\)\s*$";
    MEMBER_INIT = r"\(\)\s*(?:noexcept\s*)?:[^:].*\w$";
    EXPRESSION_END = r"(?:[=:,|&<\[(?+]|=>|\breturn|\binterface|\bstruct)$";
}

fn rule(language: Language) -> Option<&'static Regex> {
    Some(match language {
        Language::Rust => &RUST,
        Language::Go => &GO,
        Language::JavaScript | Language::TypeScript => &SCRIPT,
        Language::Kotlin => &KOTLIN,
        Language::Swift => &SWIFT,
        Language::Scala => &SCALA,
        Language::Php => &PHP,
        Language::Zig => &ZIG,
        Language::PowerShell => &POWERSHELL,
        Language::Java | Language::CSharp | Language::C | Language::Cpp | Language::Dart | Language::Groovy => &TYPED,
        _ => return None,
    })
}

/// Where the brace stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Some function is open around it.
    pub in_function: bool,
    /// The bracket directly around it is a brace (or it is at the top), not a parenthesis.
    pub in_block: bool,
    /// The block directly around it is a class or the like.
    pub in_class: bool,
}

/// What a `{` after `header` opens.
pub(super) fn opens(language: Language, header: &str, place: Place) -> Opens {
    let header = header.trim();
    // `func a() interface{} {` and `function a(): { x: T } {`: the first brace belongs to the type.
    let type_first = match language {
        Language::Go => header.ends_with("interface") || header.ends_with("struct"),
        Language::JavaScript | Language::TypeScript => is_expression(language, header),
        // A member that is initialised with braces: `A::A() : b{x} {`.
        Language::Cpp => MEMBER_INIT.is_match(header),
        _ => false,
    };
    if type_first {
        return Opens::Expression;
    }
    if let Some(name) = function_name(language, header, place) {
        return Opens::Function(name);
    }
    if is_expression(language, header) {
        return Opens::Expression;
    }
    // Older statements are left in the header where line ends end statements; the last line is the one that counts.
    let last = header.rsplit('\n').next().unwrap_or_default();
    if place.in_function && CONTROL.is_match(last) {
        return Opens::Control;
    }
    Opens::Block
}

/// True when the header introduces a class or the like, whose braces hold methods.
pub(super) fn is_class(header: &str) -> bool {
    CLASS_LIKE.is_match(header)
}

fn function_name(language: Language, header: &str, place: Place) -> Option<String> {
    let captures = rule(language)?.captures(header)?;
    let name = captures.iter().skip(1).flatten().last()?;
    let text = name.as_str();
    if NOT_A_NAME.is_match(text.trim_start_matches('#')) {
        return None;
    }
    match language {
        Language::JavaScript | Language::TypeScript => {
            // `name() {` is a method only directly inside braces; inside parentheses it is a call with a block behind it.
            let method = captures.name("m").is_some();
            (!method || place.in_block && !header[..name.start()].trim_end().ends_with(['.', '=']))
                .then(|| text.to_owned())
        }
        Language::Java | Language::CSharp | Language::C | Language::Cpp | Language::Dart | Language::Groovy => {
            let nested = place.in_function && !place.in_class;
            let before = header[..name.start()].trim_end();
            let assigned = before.ends_with(['=', '.', '(', ',', '?']) || before.ends_with("return");
            let class = !matches!(language, Language::C | Language::Cpp) && CLASS_LIKE.is_match(header);
            (!nested && !assigned && !class && place.in_block).then(|| text.to_owned())
        }
        _ => Some(text.to_owned()),
    }
}

fn is_expression(language: Language, header: &str) -> bool {
    match language {
        // `=> {` is a closure's body, `: {` a type or a property; both go on behind the brace.
        Language::JavaScript | Language::TypeScript => EXPRESSION_END.is_match(header) && !header.ends_with("=>"),
        Language::Go => ["=", ",", "(", ":"].iter().any(|end| header.ends_with(end)),
        Language::Rust => header.ends_with('<') || header.ends_with('='),
        Language::Cpp | Language::C => header.ends_with('=') || header.ends_with(','),
        _ => header.ends_with('='),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOP: Place = Place {
        in_function: false,
        in_block: true,
        in_class: false,
    };
    const INSIDE: Place = Place {
        in_function: true,
        in_block: true,
        in_class: false,
    };

    #[test]
    fn headers_are_told_apart() {
        let function = |name: &str| Opens::Function(name.to_owned());
        for (language, header, place, expected) in [
            (
                Language::Rust,
                "pub(crate) async fn go<T: Fn() -> X>() -> Result<(), E> where T: A",
                TOP,
                function("go"),
            ),
            (Language::Rust, "impl Foo for Bar", TOP, Opens::Block),
            (Language::Rust, "let x = match y", INSIDE, Opens::Control),
            (Language::Go, "func () Get[] () ()", TOP, function("Get")),
            (Language::Go, "type X struct", TOP, Opens::Expression),
            (
                Language::Kotlin,
                "override suspend fun List<A>.go(): Int",
                TOP,
                function("go"),
            ),
            (Language::Swift, "public init?()", TOP, function("init")),
            (
                Language::Php,
                "public static function run(): ?int",
                TOP,
                function("run"),
            ),
            (Language::JavaScript, "const go = async () =>", TOP, function("go")),
            (Language::JavaScript, "go: function()", TOP, function("go")),
            (
                Language::JavaScript,
                "module.exports.go = function inner()",
                TOP,
                function("inner"),
            ),
            (
                Language::TypeScript,
                "private async go<T>(): Promise<T>",
                TOP,
                function("go"),
            ),
            (Language::JavaScript, "if ()", INSIDE, Opens::Control),
            (Language::JavaScript, "const x =", INSIDE, Opens::Expression),
            (
                Language::JavaScript,
                "() =>",
                Place {
                    in_block: false,
                    ..INSIDE
                },
                Opens::Block,
            ),
            (
                Language::Java,
                "public static <T> List<T> of() throws IOException, X",
                TOP,
                function("of"),
            ),
            (Language::Java, "public record Point()", TOP, Opens::Block),
            (Language::Java, "else if ()", INSIDE, Opens::Control),
            (Language::C, "static struct foo *make()", TOP, function("make")),
            (Language::Cpp, "Foo::~Foo() noexcept", TOP, function("Foo::~Foo")),
            (Language::Cpp, "Foo::Foo() : a(), b()", TOP, function("Foo::Foo")),
            (Language::C, "LIST_FOREACH()", INSIDE, Opens::Block),
            (
                Language::CSharp,
                "public async Task<int> Go() where T : class",
                TOP,
                Opens::Block,
            ),
            (Language::CSharp, "public async Task<int> Go()", TOP, function("Go")),
            (Language::Dart, "Future<void> main() async", TOP, function("main")),
        ] {
            assert_eq!(opens(language, header, place), expected, "{language}: {header}");
        }
    }
}

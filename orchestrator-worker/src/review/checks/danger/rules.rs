//! The table of dangerous calls.

use crate::review::finding::{Confidence, Severity};
use crate::review::source::Language;

/// Which text a pattern is matched against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum View {
    /// Code with the inside of strings and comments blanked.
    Code,
    /// The text as it is; the match must start in code.
    Raw,
}

/// What the first argument means for a rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Arguments {
    /// Nothing.
    Any,
    /// A constant is fine.
    NotConstant,
    /// A constant is a question of taste.
    LowerWhenConstant,
}

pub(super) struct Rule {
    pub check: &'static str,
    pub languages: &'static [Language],
    /// The group `at` says where the finding is; by default the whole match.
    pub pattern: &'static str,
    /// Not when the statement, strings included, matches this.
    pub unless: &'static str,
    pub view: View,
    pub arguments: Arguments,
    pub severity: Severity,
    pub confidence: Confidence,
    pub message: &'static str,
    pub why: &'static str,
}

const SCRIPT: &[Language] = &[Language::JavaScript, Language::TypeScript, Language::Component];
const PYTHON: &[Language] = &[Language::Python];
const GO: &[Language] = &[Language::Go];
const JVM: &[Language] = &[Language::Java, Language::Kotlin, Language::Scala, Language::Groovy];
const C: &[Language] = &[Language::C, Language::Cpp, Language::ObjectiveC];
const PHP: &[Language] = &[Language::Php];
const RUBY: &[Language] = &[Language::Ruby];
const RUST: &[Language] = &[Language::Rust];
const CSHARP: &[Language] = &[Language::CSharp];
const SHELLS: &[Language] = &[
    Language::Shell,
    Language::Dockerfile,
    Language::Makefile,
    Language::Yaml,
];

const EVAL: &str =
    "Whoever controls the text controls the program. Parse the data instead, or choose from a table of functions.";
const SHELL: &str = "A shell gives a meaning to `;`, `$` and blanks inside arguments. Run the program with a list of arguments and no shell.";
const UNPICKLE: &str =
    "Reading such data can run any code in it. Use a plain format such as JSON for what comes from outside.";
const TLS: &str =
    "Anyone on the way can read and change the traffic. Trust the right certificate authority instead of none.";
const SQL: &str = "A value with a quote in it changes the statement. Pass values as parameters.";
const HTML: &str = "Text from a user becomes a script in another user's page. Set text, or sanitise it first.";
const BUFFER: &str =
    "It writes as much as it is given, beyond the end of the buffer if need be. Use the variant that takes a size.";

/// Medium severity and confidence over the code; the table overrides what differs.
const fn rule(
    check: &'static str,
    languages: &'static [Language],
    pattern: &'static str,
    message: &'static str,
    why: &'static str,
) -> Rule {
    Rule {
        check,
        languages,
        pattern,
        unless: "",
        view: View::Code,
        arguments: Arguments::Any,
        severity: Severity::Medium,
        confidence: Confidence::Medium,
        message,
        why,
    }
}

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    // Python
    Rule { severity: Severity::High, arguments: Arguments::NotConstant, unless: r"def\s+(?:eval|exec)\b|(?:eval|exec)\s*\(\s*compile\s*\(",
        ..rule("danger.eval", PYTHON, r"(?:^|[^\w.])(?P<at>(?:eval|exec)\s*\()", "Text is executed as Python", EVAL) },
    rule("danger.eval", PYTHON, r"(?:^|[^\w.])(?P<at>(?:eval|exec)\s*\(\s*compile\s*\()", "A file is executed as Python", EVAL),
    Rule { severity: Severity::High, arguments: Arguments::LowerWhenConstant,
        ..rule("danger.shell", PYTHON, r"\bos\.(?:system|popen)\s*\(", "A command is given to a shell", SHELL) },
    Rule { severity: Severity::High, arguments: Arguments::LowerWhenConstant,
        ..rule("danger.shell", PYTHON, r"(?P<at>\b(?:subprocess\.)?(?:run|call|Popen|check_call|check_output|getoutput)\s*\()(?:[^()]|\([^()]*\))*?\bshell\s*=\s*True\b", "A command is given to a shell", SHELL) },
    rule("danger.deserialize", PYTHON, r"\b(?:c?[pP]ickle|dill|marshal|shelve)\.(?:loads?|Unpickler|open)\s*\(", "Data is unpickled", UNPICKLE),
    Rule { unless: r"Safe|Base|FullLoader|Loader=\w*(?:Safe|Base)", ..rule("danger.deserialize", PYTHON, r"\byaml\.(?:load|load_all|unsafe_load)\s*\(", "YAML is read with a loader that can create any object", UNPICKLE) },
    Rule { severity: Severity::High, confidence: Confidence::High, ..rule("danger.tls", PYTHON, r"\bverify\s*=\s*False\b|\b_create_unverified_context\b|\bcheck_hostname\s*=\s*False\b|\bCERT_NONE\b\s*(?:$|[,)\n])", "TLS certificates are not verified", TLS) },
    Rule { severity: Severity::High, view: View::Raw, ..rule("danger.sql", PYTHON, r#"\.execute(?:many)?\s*\(\s*(?:f"{1,3}\s*(?:SELECT|INSERT|UPDATE|DELETE)\b[^"]*\{|f'{1,3}\s*(?:SELECT|INSERT|UPDATE|DELETE)\b[^']*\{|(?:"(?:SELECT|INSERT|UPDATE|DELETE)\b[^"]*"|'(?:SELECT|INSERT|UPDATE|DELETE)\b[^']*')\s*(?:%\s|\+|\.format\())"#, "An SQL statement is put together from pieces", SQL) },
    rule("danger.temp_file", PYTHON, r"\btempfile\.mktemp\s*\(", "`mktemp` names a file that somebody else can create first", "Use `mkstemp` or `NamedTemporaryFile`, which create it."),
    Rule { severity: Severity::High, ..rule("danger.debug_server", PYTHON, r"\bapp\.run\s*\([^()]*\bdebug\s*=\s*True", "The web server runs in debug mode", "Its error pages let visitors run code. Read the mode from the environment, and default to off.") },
    Rule { confidence: Confidence::High, severity: Severity::Low, ..rule("correctness.mutable_default", PYTHON, r"\bdef\s+\w+\s*\((?:[^()]|\([^()]*\))*?=\s*(?:\[\s*\]|\{\s*\}|set\(\)|list\(\)|dict\(\))\s*[,)]", "A default argument is shared by all calls", "What one call adds, the next one finds. Default to None and create it inside.") },
    // JavaScript and TypeScript
    Rule { severity: Severity::High, arguments: Arguments::NotConstant, ..rule("danger.eval", SCRIPT, r"(?:^|[^\w.$])(?P<at>eval\s*\()", "Text is executed as JavaScript", EVAL) },
    rule("danger.eval", SCRIPT, r"\bnew\s+Function\s*\(", "Text is executed as JavaScript", EVAL),
    Rule { arguments: Arguments::NotConstant, ..rule("danger.html", SCRIPT, r"\.(?:innerHTML|outerHTML)\s*\+?=(?:[^=]|$)", "HTML is put together from pieces", HTML) },
    Rule { unless: r"(?i)sanitize|purify|escape|jsonld|json-ld|JSON\.stringify", ..rule("danger.html", SCRIPT, r"\bdangerouslySetInnerHTML\s*=", "HTML is set without React's protection", HTML) },
    Rule { arguments: Arguments::NotConstant, ..rule("danger.html", SCRIPT, r"\bdocument\.write(?:ln)?\s*\(", "HTML is written into the page", HTML) },
    Rule { severity: Severity::High, view: View::Raw, ..rule("danger.shell", SCRIPT, r"(?:^|\bchild_process\.|[^\w.$])(?P<at>exec(?:Sync)?\s*\(\s*(?:`[^`]*\$\{|['\x22][^'\x22\n]*['\x22]\s*\+))", "A command put together from pieces is given to a shell", SHELL) },
    Rule { severity: Severity::High, confidence: Confidence::High, view: View::Raw, ..rule("danger.tls", SCRIPT, r#"\brejectUnauthorized\s*:\s*false\b|NODE_TLS_REJECT_UNAUTHORIZED['"\]]*\s*=\s*['"]?0"#, "TLS certificates are not verified", TLS) },
    Rule { severity: Severity::High, view: View::Raw, ..rule("danger.sql", SCRIPT, r"\.(?:query|execute|raw)\s*\(\s*(?:`\s*(?:SELECT|INSERT|UPDATE|DELETE)\b[^`]*\$\{|\x22(?:SELECT|INSERT|UPDATE|DELETE)\b[^\x22\n]*\x22\s*\+|'(?:SELECT|INSERT|UPDATE|DELETE)\b[^'\n]*'\s*\+)", "An SQL statement is put together from pieces", SQL) },
    // Go
    Rule { severity: Severity::High, confidence: Confidence::High, ..rule("danger.tls", GO, r"\bInsecureSkipVerify\s*:\s*true\b", "TLS certificates are not verified", TLS) },
    Rule { view: View::Raw, ..rule("danger.shell", GO, r#"\bexec\.Command(?:Context)?\s*\((?:\s*\w+\s*,)?\s*"(?:/bin/)?(?:ba|z)?sh"\s*,\s*"-c"\s*,\s*[^"\s]"#, "A command is given to a shell", SHELL) },
    Rule { severity: Severity::High, view: View::Raw, ..rule("danger.sql", GO, r#"\.(?:Query|QueryRow|Exec)(?:Context)?\s*\((?:\s*\w+\s*,)?\s*(?:fmt\.Sprintf\s*\(\s*["`]\s*(?:SELECT|INSERT|UPDATE|DELETE)|["`]\s*(?:SELECT|INSERT|UPDATE|DELETE)[^"`]*["`]\s*\+)"#, "An SQL statement is put together from pieces", SQL) },
    Rule { arguments: Arguments::NotConstant, ..rule("danger.html", GO, r"\btemplate\.(?:HTML|JS)\s*\(", "Text is declared to be safe HTML", HTML) },
    // JVM
    Rule { arguments: Arguments::LowerWhenConstant, unless: r"exec\s*\(\s*new\s+String", ..rule("danger.shell", JVM, r"\bgetRuntime\s*\(\s*\)\s*\.exec\s*\(", "A command line is split and executed", SHELL) },
    rule("danger.deserialize", JVM, r"\bnew\s+ObjectInputStream\s*\(", "Java objects are deserialised", UNPICKLE),
    Rule { severity: Severity::High, view: View::Raw, ..rule("danger.sql", JVM, r#"\.(?:executeQuery|executeUpdate|execute|prepareStatement|createQuery|createNativeQuery)\s*\(\s*"\s*(?:SELECT|INSERT|UPDATE|DELETE)[^"]*"\s*\+\s*[a-z]"#, "An SQL statement is put together from pieces", SQL) },
    // C and C++
    Rule { severity: Severity::Critical, confidence: Confidence::High, ..rule("danger.buffer", C, r"(?:^|[^\w.>])(?P<at>gets\s*\()", "`gets` cannot be used safely", BUFFER) },
    Rule { severity: Severity::Low, arguments: Arguments::Any, ..rule("danger.buffer", C, r"(?:^|[^\w.>:])(?P<at>(?:strcpy|strcat|sprintf|vsprintf)\s*\()", "The size of the buffer is not checked", BUFFER) },
    Rule { arguments: Arguments::LowerWhenConstant, ..rule("danger.shell", C, r"(?:^|[^\w.>:])(?P<at>(?:system|popen)\s*\()", "A command is given to a shell", SHELL) },
    // PHP
    Rule { severity: Severity::High, arguments: Arguments::NotConstant, ..rule("danger.eval", PHP, r"(?:^|[^\w>:$])(?P<at>eval\s*\()", "Text is executed as PHP", EVAL) },
    Rule { severity: Severity::High, arguments: Arguments::NotConstant, unless: r"escapeshell|function\s+\w+\s*\(", ..rule("danger.shell", PHP, r"(?:^|[^\w>:$])(?P<at>(?:shell_exec|exec|system|passthru|popen|proc_open)\s*\()", "A command is given to a shell", SHELL) },
    Rule { unless: r"allowed_classes", ..rule("danger.deserialize", PHP, r"(?:^|[^\w>:$])(?P<at>unserialize\s*\(\s*\$)", "Data is unserialised", UNPICKLE) },
    Rule { severity: Severity::High, unless: r"htmlspecialchars|htmlentities|intval|\(int\)|esc_", ..rule("danger.html", PHP, r"\becho\b[^;\n]*\$_(?:GET|POST|REQUEST|COOKIE)\b", "A request's text is written into the page", HTML) },
    // Ruby
    Rule { severity: Severity::High, arguments: Arguments::NotConstant, ..rule("danger.eval", RUBY, r"(?:^|[^\w.:])(?P<at>eval\s*\()", "Text is executed as Ruby", EVAL) },
    rule("danger.deserialize", RUBY, r"\bMarshal\.load\s*\(|\bYAML\.(?:load|unsafe_load)\s*\(", "Data can create any object", UNPICKLE),
    Rule { severity: Severity::High, view: View::Raw, ..rule("danger.shell", RUBY, r#"(?:^|[^\w.:])(?P<at>(?:system|exec|spawn)\s*\(?\s*"[^"\n]*#\{[^"\n]*"\s*\)?\s*(?:\n|$|if|unless|or|and|\|\|))"#, "A command put together from pieces is given to a shell", SHELL) },
    // Rust, C#
    Rule { severity: Severity::High, confidence: Confidence::High, ..rule("danger.tls", RUST, r"\bdanger_accept_invalid_(?:certs|hostnames)\s*\(\s*true\s*\)", "TLS certificates are not verified", TLS) },
    Rule { ..rule("danger.static_mut", RUST, r"(?m)^\s*(?:pub(?:\([^)]*\))?\s+)?static\s+mut\s+\w+\s*:[^;=]*=", "A `static mut` can be changed by two threads at once", "Use an atomic, a `OnceLock` or a `Mutex`.") },
    rule("danger.deserialize", CSHARP, r"\bnew\s+BinaryFormatter\s*\(", "`BinaryFormatter` creates any object", UNPICKLE),
    Rule { severity: Severity::High, ..rule("danger.tls", CSHARP, r"\b(?:ServerCertificate(?:Custom)?ValidationCallback)\s*\+?=[^;]*=>\s*true\b|DangerousAcceptAnyServerCertificateValidator", "TLS certificates are not verified", TLS) },
    // Shell and what contains shell
    Rule { confidence: Confidence::High, view: View::Raw, unless: r"^\s*(?:#|echo\b|printf\b|rem\b)|^\s*(?:description|summary|help)\b", ..rule("danger.pipe_to_shell", SHELLS, r"\b(?:curl|wget)\b[^|\n;#]*https?:[^|\n;#]*\|\s*(?:sudo\s+(?:-\S+\s+)*)?(?:ba|z|da)?sh\b", "A script from the network is executed unseen", "Whoever controls the server or the way to it controls this machine. Download it, check its digest, then run it.") },
    Rule { severity: Severity::Low, view: View::Raw, unless: r"^\s*#", ..rule("danger.permissions", &[Language::Shell, Language::Dockerfile], r"\bchmod\s+(?:-\w+\s+)*0?777\b", "Everybody may write here", "Give the rights to the user that needs them.") },
    Rule { view: View::Raw, severity: Severity::Medium, ..rule("danger.remove", &[Language::Shell], r#"\brm\s+-\w*r\w*\s+(?:-\w+\s+)*"?\$\{?[A-Za-z_]\w*\}?"?/(?:\*|\s|$)"#, "If the variable is empty, this removes the root of the file system", "Write `${NAME:?}` so that an empty value stops the script.") },
];

//! The table of analysers.

use super::any_file;
use super::clippy;
use super::output::{self, Context};
use crate::review::finding::Finding;
use crate::review::runner::Output;
use crate::review::scope::{Scope, SourceFile};
use crate::review::source::Language;

/// What one run covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// One file; its path is the last argument.
    File,
    /// Everything below the working directory.
    Repository,
}

/// One linter: how to find it, when to use it, how to call it and how to read it.
pub(super) struct Analyser {
    pub name: &'static str,
    pub program: &'static str,
    /// The arguments that make it tell its version with exit code 0.
    pub version: &'static [&'static str],
    pub languages: &'static [Language],
    pub reach: Reach,
    /// The file that makes a folder one of its projects; empty when it needs none.
    pub project: &'static str,
    /// What code of the repository it executes, as in "it ..."; empty when none.
    pub runs_code: &'static str,
    /// The usual linter of its language: a report says when it is missing.
    pub usual: bool,
    /// Not needed next to one of these.
    pub unless: &'static [&'static str],
    pub args: &'static [&'static str],
    /// `{work}` stands for the folder for build results.
    pub env: &'static [(&'static str, &'static str)],
    /// Exit codes with which it did its work, whether it found something or not.
    pub exit_codes: &'static [i32],
    pub parse: fn(&Output, &Context<'_>) -> Result<Vec<Finding>, String>,
}

const BASE: Analyser = Analyser {
    name: "",
    program: "",
    version: &["--version"],
    languages: &[],
    reach: Reach::File,
    project: "",
    runs_code: "",
    usual: false,
    unless: &[],
    args: &[],
    env: &[],
    exit_codes: &[0, 1],
    parse: output::lines,
};

/// Reads the file in the same Python that would run it, and executes nothing of it.
const PYTHON_SYNTAX: &str = "import ast,sys,warnings\nwarnings.simplefilter('ignore')\n\
    p=sys.argv[1]\n\
    try: ast.parse(open(p,'rb').read(),p)\n\
    except (SyntaxError,ValueError) as e: print('%s:%s: syntax error: %s'%(p,getattr(e,'lineno',1) or 1,getattr(e,'msg',e)))";

/// mypy and tsc are left out on purpose: without the project's dependencies installed they report mostly what is missing.
#[rustfmt::skip]
pub(super) const ANALYSERS: &[Analyser] = &[
    Analyser {
        name: "clippy", program: "cargo", version: &["clippy", "--version"], languages: &[Language::Rust], reach: Reach::Repository,
        project: "Cargo.toml", runs_code: "runs the repository's build scripts and procedural macros", usual: true,
        // Locked and offline: it must neither write a lock file into the repository nor download anything.
        args: &["clippy", "--workspace", "--all-targets", "--quiet", "--message-format=json", "--offline", "--locked"],
        env: &[("CARGO_TARGET_DIR", "{work}/clippy"), ("CARGO_TERM_COLOR", "never")],
        exit_codes: &[0, 101], parse: clippy::parse, ..BASE
    },
    Analyser {
        name: "ruff", program: "ruff", languages: &[Language::Python], usual: true,
        args: &["check", "--output-format=json", "--no-cache", "--no-fix", "--force-exclude", "--quiet"],
        parse: output::ruff, ..BASE
    },
    Analyser { name: "pyflakes", program: "pyflakes", languages: &[Language::Python], unless: &["ruff"], ..BASE },
    Analyser {
        name: "bandit", program: "bandit", languages: &[Language::Python], args: &["-q", "-f", "json"], parse: output::bandit, ..BASE
    },
    Analyser {
        name: "python", program: "python3", languages: &[Language::Python], unless: &["ruff", "pyflakes"],
        args: &["-I", "-B", "-c", PYTHON_SYNTAX], exit_codes: &[0], ..BASE
    },
    Analyser {
        name: "shellcheck", program: "shellcheck", languages: &[Language::Shell], usual: true, args: &["-f", "json"],
        parse: output::shellcheck, ..BASE
    },
    Analyser { name: "bash", program: "bash", languages: &[Language::Shell], unless: &["shellcheck"], args: &["-n"], exit_codes: &[0, 1, 2], parse: output::bash, ..BASE },
    Analyser {
        name: "hadolint", program: "hadolint", languages: &[Language::Dockerfile], args: &["-f", "json"], parse: output::hadolint, ..BASE
    },
    Analyser {
        name: "eslint", program: "eslint", languages: &[Language::JavaScript, Language::TypeScript], reach: Reach::Repository,
        project: "package.json", runs_code: "executes the repository's eslint configuration", usual: true,
        args: &["--format", "json", "--no-error-on-unmatched-pattern", "."], parse: output::eslint, ..BASE
    },
    Analyser { name: "gofmt", program: "gofmt", version: &["-h"], languages: &[Language::Go], args: &["-l"], exit_codes: &[0, 2], parse: output::gofmt, ..BASE },
    Analyser {
        name: "go vet", program: "go", version: &["version"], languages: &[Language::Go], reach: Reach::Repository, project: "go.mod",
        runs_code: "may run the C tool chain with the repository's flags", usual: true, args: &["vet", "./..."],
        env: &[("GOFLAGS", "-mod=readonly"), ("GOPROXY", "off"), ("GOTOOLCHAIN", "local")], parse: output::errors, ..BASE
    },
];

/// How many projects of one repository an analyser is run on.
const MOST_PROJECTS: usize = 5;

impl Analyser {
    /// True when there is something for it to do.
    pub(super) fn applies(&self, scope: &Scope) -> bool {
        let configured = self.name != "eslint" || !scope.inventory.linters.is_empty();
        any_file(scope, self.languages) && configured && (self.project.is_empty() || !self.folders(scope).is_empty())
    }

    /// True when it reads such a file.
    pub(super) fn reads(&self, file: &SourceFile) -> bool {
        let shell = self.name != "bash" || matches!(file.path.extension().as_str(), "" | "sh" | "bash");
        self.languages.contains(&file.language) && shell
    }

    /// The outermost folders that are its projects, relative to the repository.
    pub(super) fn folders(&self, scope: &Scope) -> Vec<String> {
        let mut folders: Vec<&str> = scope
            .inventory
            .manifests
            .iter()
            .filter_map(|path| path.strip_suffix(self.project))
            .filter(|folder| folder.is_empty() || folder.ends_with('/'))
            .collect();
        folders.sort_unstable();
        let mut outer: Vec<String> = Vec::new();
        for folder in folders {
            if !outer
                .iter()
                .any(|known| known.is_empty() || folder.starts_with(&format!("{known}/")))
            {
                outer.push(folder.trim_end_matches('/').to_owned());
            }
        }
        outer.truncate(MOST_PROJECTS);
        outer
    }
}

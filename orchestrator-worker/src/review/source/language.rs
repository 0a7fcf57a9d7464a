//! Which language a file is written in: by its name, its extension or its first line.

use super::path::RepoPath;
use crate::review::finding::words;

/// What a language is used for. Checks about code run on code only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A programming language with functions.
    Code,
    /// Markup and styles: HTML, CSS.
    Markup,
    /// Data and configuration: JSON, YAML, Dockerfile.
    Data,
    /// Prose.
    Prose,
}

words! {
    /// The languages that the review tells apart.
    pub enum Language, unknown = Text {
        /// Rust.
        Rust = "Rust",
        /// Python.
        Python = "Python",
        /// JavaScript, JSX included.
        JavaScript = "JavaScript",
        /// TypeScript, TSX included.
        TypeScript = "TypeScript",
        /// Go.
        Go = "Go",
        /// Java.
        Java = "Java",
        /// Kotlin.
        Kotlin = "Kotlin",
        /// Scala.
        Scala = "Scala",
        /// Groovy, Gradle and Jenkins files.
        Groovy = "Groovy",
        /// C and its headers.
        C = "C",
        /// C++.
        Cpp = "C++",
        /// Objective-C.
        ObjectiveC = "Objective-C",
        /// C#.
        CSharp = "C#",
        /// Swift.
        Swift = "Swift",
        /// Dart.
        Dart = "Dart",
        /// Zig.
        Zig = "Zig",
        /// PHP.
        Php = "PHP",
        /// Ruby.
        Ruby = "Ruby",
        /// Shell scripts: sh, bash, zsh, ksh.
        Shell = "Shell",
        /// PowerShell.
        PowerShell = "PowerShell",
        /// Lua.
        Lua = "Lua",
        /// Perl.
        Perl = "Perl",
        /// Elixir.
        Elixir = "Elixir",
        /// R.
        R = "R",
        /// SQL.
        Sql = "SQL",
        /// HTML.
        Html = "HTML",
        /// Vue and Svelte components.
        Component = "Vue/Svelte",
        /// CSS, SCSS, Less.
        Css = "CSS",
        /// JSON.
        Json = "JSON",
        /// YAML.
        Yaml = "YAML",
        /// TOML.
        Toml = "TOML",
        /// INI files, properties, dot-env.
        Ini = "INI",
        /// XML.
        Xml = "XML",
        /// Dockerfile.
        Dockerfile = "Dockerfile",
        /// Makefile.
        Makefile = "Makefile",
        /// CMake.
        CMake = "CMake",
        /// Terraform and other HCL.
        Terraform = "Terraform",
        /// Protocol Buffers.
        Proto = "Protobuf",
        /// Markdown.
        Markdown = "Markdown",
        /// Any other text.
        Text = "Text",
    }
}

struct Spec {
    language: Language,
    extensions: &'static [&'static str],
    /// Whole file names in lower case.
    names: &'static [&'static str],
    /// Interpreters in a `#!` line, without version digits.
    programs: &'static [&'static str],
}

const fn spec(
    language: Language,
    extensions: &'static [&'static str],
    names: &'static [&'static str],
    programs: &'static [&'static str],
) -> Spec {
    Spec {
        language,
        extensions,
        names,
        programs,
    }
}

#[rustfmt::skip]
const SPECS: &[Spec] = &[
    spec(Language::Rust, &["rs"], &[], &[]),
    spec(Language::Python, &["py", "pyi", "pyw"], &["sconstruct", "wscript"], &["python", "pypy", "uv"]),
    spec(Language::JavaScript, &["js", "mjs", "cjs", "jsx"], &[], &["node", "bun"]),
    spec(Language::TypeScript, &["ts", "mts", "cts", "tsx"], &[], &["deno", "tsx", "ts-node"]),
    spec(Language::Go, &["go"], &[], &[]),
    spec(Language::Java, &["java"], &[], &[]),
    spec(Language::Kotlin, &["kt", "kts"], &[], &[]),
    spec(Language::Scala, &["scala", "sc"], &[], &[]),
    spec(Language::Groovy, &["groovy", "gradle"], &["jenkinsfile"], &["groovy"]),
    spec(Language::C, &["c", "h"], &[], &[]),
    spec(Language::Cpp, &["cc", "cpp", "cxx", "hpp", "hh", "hxx", "ipp", "cu"], &[], &[]),
    spec(Language::ObjectiveC, &["m", "mm"], &[], &[]),
    spec(Language::CSharp, &["cs"], &[], &[]),
    spec(Language::Swift, &["swift"], &[], &[]),
    spec(Language::Dart, &["dart"], &[], &[]),
    spec(Language::Zig, &["zig"], &[], &[]),
    spec(Language::Php, &["php", "phtml", "inc"], &[], &["php"]),
    spec(Language::Ruby, &["rb", "rake", "gemspec", "ru"], &["rakefile", "gemfile", "vagrantfile", "podfile", "fastfile"], &["ruby"]),
    spec(Language::Shell, &["sh", "bash", "zsh", "ksh", "bats"], &[".bashrc", ".bash_profile", ".profile", ".zshrc", "pkgbuild"], &["sh", "bash", "dash", "zsh", "ksh", "ash"]),
    spec(Language::PowerShell, &["ps1", "psm1"], &[], &["pwsh"]),
    spec(Language::Lua, &["lua"], &[], &["lua", "luajit"]),
    spec(Language::Perl, &["pl", "pm"], &[], &["perl"]),
    spec(Language::Elixir, &["ex", "exs"], &[], &["elixir"]),
    spec(Language::R, &["r"], &[], &["rscript"]),
    spec(Language::Sql, &["sql"], &[], &[]),
    spec(Language::Html, &["html", "htm", "xhtml", "jinja", "j2", "erb", "ejs", "hbs", "twig"], &[], &[]),
    spec(Language::Component, &["vue", "svelte", "astro"], &[], &[]),
    spec(Language::Css, &["css", "scss", "sass", "less"], &[], &[]),
    spec(Language::Json, &["json", "jsonc", "json5", "jsonl", "ndjson", "webmanifest", "ipynb"], &[".eslintrc", ".babelrc", ".prettierrc"], &[]),
    spec(Language::Yaml, &["yml", "yaml"], &[".clang-format"], &[]),
    spec(Language::Toml, &["toml"], &["pipfile"], &[]),
    spec(Language::Ini, &["ini", "cfg", "conf", "properties", "env", "tfvars"], &[".env", ".npmrc", ".pypirc", ".netrc", ".editorconfig"], &[]),
    spec(Language::Xml, &["xml", "xsd", "xsl", "xslt", "csproj", "plist", "pom"], &[], &[]),
    spec(Language::Dockerfile, &["dockerfile"], &["dockerfile", "containerfile"], &[]),
    spec(Language::Makefile, &["mk", "mak"], &["makefile", "gnumakefile"], &["make"]),
    spec(Language::CMake, &["cmake"], &["cmakelists.txt"], &[]),
    spec(Language::Terraform, &["tf", "hcl"], &[], &[]),
    spec(Language::Proto, &["proto"], &[], &[]),
    spec(Language::Markdown, &["md", "markdown", "mdx"], &[], &[]),
];

impl Language {
    /// The language of a file, from its path and its first line (which may be empty).
    pub fn detect(path: &RepoPath, first_line: &str) -> Self {
        let name = path.name().to_ascii_lowercase();
        if name.starts_with(".env.") || name.starts_with("dockerfile.") {
            return if name.starts_with('.') {
                Self::Ini
            } else {
                Self::Dockerfile
            };
        }
        let extension = path.extension();
        let by_name = SPECS.iter().find(|spec| spec.names.contains(&name.as_str()));
        let found = by_name.or_else(|| SPECS.iter().find(|spec| spec.extensions.contains(&extension.as_str())));
        match found {
            Some(spec) => spec.language,
            None => Self::from_shebang(first_line).unwrap_or(Self::Text),
        }
    }

    /// The language that a `#!` line names.
    fn from_shebang(line: &str) -> Option<Self> {
        let mut words = line
            .strip_prefix("#!")?
            .split_whitespace()
            .map(|word| word.rsplit('/').next().unwrap_or(word));
        let mut program = words.next()?;
        if program == "env" {
            program = words.find(|word| !word.starts_with('-') && !word.contains('='))?;
        }
        let program = program
            .trim_end_matches(|c: char| c.is_ascii_digit() || c == '.')
            .to_ascii_lowercase();
        SPECS
            .iter()
            .find(|spec| spec.programs.contains(&program.as_str()))
            .map(|spec| spec.language)
    }

    /// What the language is used for.
    pub fn kind(self) -> Kind {
        match self {
            Self::Html | Self::Component | Self::Css => Kind::Markup,
            Self::Json
            | Self::Yaml
            | Self::Toml
            | Self::Ini
            | Self::Xml
            | Self::Dockerfile
            | Self::Makefile
            | Self::CMake
            | Self::Terraform
            | Self::Proto => Kind::Data,
            Self::Markdown | Self::Text => Kind::Prose,
            _ => Kind::Code,
        }
    }

    /// True for a programming language.
    pub fn is_code(self) -> bool {
        self.kind() == Kind::Code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_told_by_name_extension_and_first_line() {
        for (path, first_line, expected) in [
            ("src/main.rs", "", Language::Rust),
            ("a.PY", "", Language::Python),
            ("ci/Dockerfile", "", Language::Dockerfile),
            ("Dockerfile.dev", "", Language::Dockerfile),
            (".env.production", "", Language::Ini),
            (
                "bin/tool",
                "#!/usr/bin/env -S PYTHONPATH=. python3.12 -u",
                Language::Python,
            ),
            ("bin/tool", "#!/bin/bash -e", Language::Shell),
            ("bin/tool", "#!/usr/bin/nodejs18", Language::Text),
            ("bin/tool", "#!/usr/bin/env node", Language::JavaScript),
            ("bin/tool", "hello", Language::Text),
            ("CMakeLists.txt", "", Language::CMake),
            ("LICENSE", "", Language::Text),
            ("x.tsx", "", Language::TypeScript),
        ] {
            assert_eq!(
                Language::detect(&RepoPath::from(path), first_line),
                expected,
                "{path} {first_line}"
            );
        }
    }

    #[test]
    fn no_extension_belongs_to_two_languages() {
        let mut all: Vec<_> = SPECS.iter().flat_map(|spec| spec.extensions).collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}

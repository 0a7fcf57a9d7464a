//! The house rules that no compiler and no lint checks: which crate may depend on which, how long a file may be, and
//! what must not be committed. They are explained in `ARCHITECTURE.md`; this is where they can fail.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Longer files hide more than one concept.
const MAX_LINES: usize = 700;

/// Which of our crates a crate may depend on, and which outside crates it must not: the table "who may know what". A
/// crate that is missing here fails the test, so that a new one comes with a decision.
const RULES: &[Rule] = &[
    Rule {
        name: "orchestrator-protocol",
        may: &[],
        never: &["tokio", "sqlx", "async-trait", "futures"],
    },
    Rule {
        name: "orchestrator-migrations",
        may: &[],
        never: &["tokio"],
    },
    Rule {
        name: "orchestrator-core",
        may: &["orchestrator-protocol", "orchestrator-migrations"],
        never: &["clap", "hyper", "poem", "poem-openapi", "redis", "reqwest"],
    },
    Rule {
        name: "orchestrator-testkit",
        may: &["orchestrator-core", "orchestrator-protocol"],
        never: &["clap", "poem", "reqwest", "sqlx"],
    },
    // Servers, workers and the command are stopped alike, and send traces alike, and none depends on another.
    Rule {
        name: "orchestrator-signals",
        may: &[],
        never: &["clap", "poem", "sqlx"],
    },
    Rule {
        name: "orchestrator-trace",
        may: &["orchestrator-protocol"],
        never: &["clap", "poem", "sqlx"],
    },
    Rule {
        name: "orchestrator-client",
        may: &["orchestrator-core", "orchestrator-protocol"],
        never: &["clap", "poem", "sqlx"],
    },
    Rule {
        name: "orchestrator-postgres",
        may: &["orchestrator-core", "orchestrator-migrations", "orchestrator-protocol"],
        never: &["clap", "poem", "redis"],
    },
    Rule {
        name: "orchestrator-redis",
        may: &["orchestrator-core", "orchestrator-protocol"],
        never: &["clap", "poem", "sqlx"],
    },
    Rule {
        name: "orchestrator-server",
        may: &[
            "orchestrator-core",
            "orchestrator-dashboard",
            "orchestrator-postgres",
            "orchestrator-protocol",
            "orchestrator-redis",
            "orchestrator-signals",
            "orchestrator-trace",
        ],
        never: &["sqlx"],
    },
    // Files, which the server answers with: what they show, and how they were made, is not its business.
    Rule {
        name: "orchestrator-dashboard",
        may: &[],
        never: &["poem", "tokio"],
    },
    // The app from outside, with agents of its own behind a real server.
    Rule {
        name: "orchestrator-e2e",
        may: &["orchestrator-client", "orchestrator-core", "orchestrator-protocol"],
        never: &["poem", "sqlx"],
    },
    Rule {
        name: "orchestrator-bundle",
        may: &[],
        never: &["poem", "tokio"],
    },
    Rule {
        name: "orchestrator-worker",
        may: &[
            "orchestrator-client",
            "orchestrator-core",
            "orchestrator-protocol",
            "orchestrator-signals",
            "orchestrator-trace",
        ],
        never: &["poem", "redis", "sqlx"],
    },
    Rule {
        name: "orchestrator-cli",
        may: &[
            "orchestrator-client",
            "orchestrator-core",
            "orchestrator-protocol",
            "orchestrator-server",
            "orchestrator-signals",
            "orchestrator-worker",
        ],
        never: &["redis", "sqlx"],
    },
    // What the app knows and shows: no toolkit, no network, no runtime.
    Rule {
        name: "orchestrator-desktop-model",
        may: &["orchestrator-protocol"],
        never: &["futures", "iced", "reqwest", "tokio"],
    },
    // The app where it is a page.
    Rule {
        name: "orchestrator-web",
        may: &["orchestrator-client", "orchestrator-desktop"],
        never: &["tokio"],
    },
    // In the place of a crate of this name, there.
    Rule {
        name: "softbuffer",
        may: &[],
        never: &["iced", "tokio"],
    },
    Rule {
        name: "orchestrator-desktop",
        may: &[
            "orchestrator-client",
            "orchestrator-core",
            "orchestrator-desktop-model",
            "orchestrator-protocol",
            "orchestrator-signals",
            // An engine inside the app that has no agents would run nothing.
            "orchestrator-worker",
        ],
        never: &["poem", "sqlx"],
    },
    // The programs of a fleet in one, so that its tests are always run with the code that they were built with.
    Rule {
        name: "orchestrator-chaos",
        may: &["orchestrator-server", "orchestrator-worker"],
        never: &[],
    },
    Rule {
        name: "orchestrator-bench",
        may: &[
            "orchestrator-core",
            "orchestrator-protocol",
            "orchestrator-testkit",
            "orchestrator-worker",
        ],
        never: &[],
    },
    // It measures the store on PostgreSQL beside SQL by hand; the server it starts as the program that it is.
    Rule {
        name: "orchestrator-fleet-bench",
        may: &[
            "orchestrator-bench",
            "orchestrator-client",
            "orchestrator-core",
            "orchestrator-postgres",
            "orchestrator-protocol",
        ],
        never: &[],
    },
    Rule {
        name: "orchestrator-python",
        may: &[
            "orchestrator-client",
            "orchestrator-core",
            "orchestrator-postgres",
            "orchestrator-protocol",
        ],
        never: &["clap", "poem", "redis", "sqlx"],
    },
    Rule {
        name: "orchestrator-examples",
        // PostgreSQL and SQLx: programs that have tables of their own beside ours are shown too.
        may: &[
            "orchestrator-client",
            "orchestrator-core",
            "orchestrator-postgres",
            "orchestrator-protocol",
            "orchestrator-worker",
        ],
        never: &["poem", "redis"],
    },
];

struct Rule {
    name: &'static str,
    may: &'static [&'static str],
    never: &'static [&'static str],
}

#[test]
fn dependencies_point_one_way() {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for path in files().into_iter().filter(|path| path.ends_with("Cargo.toml")) {
        let Some(manifest) = Manifest::read(&path) else {
            continue;
        };
        let Some(rule) = RULES.iter().find(|rule| rule.name == manifest.name) else {
            wrong.push(format!("{} has no rule in {}", manifest.name, file!()));
            continue;
        };
        seen.insert(rule.name);
        for dependency in &manifest.dependencies {
            let ours = dependency.starts_with("orchestrator-");
            if (ours && !rule.may.contains(&dependency.as_str())) || rule.never.contains(&dependency.as_str()) {
                wrong.push(format!(
                    "{} must not depend on {dependency} ({})",
                    manifest.name,
                    path.display()
                ));
            }
        }
    }
    wrong.extend(
        RULES
            .iter()
            .filter(|rule| !seen.contains(rule.name))
            .map(|rule| format!("no crate {}", rule.name)),
    );
    none(&wrong);
}

#[test]
fn files_are_short_and_named_after_what_they_hold() {
    let mut wrong = Vec::new();
    for path in files() {
        if path.ends_with("mod.rs") {
            wrong.push(format!(
                "{}: name it after its module, beside the folder",
                path.display()
            ));
        }
        let code = path
            .extension()
            .is_some_and(|extension| ["rs", "py", "sql", "sh"].iter().any(|e| extension == *e));
        let lines = if code { read(&path).lines().count() } else { 0 };
        if lines > MAX_LINES {
            wrong.push(format!("{}: {lines} lines, more than {MAX_LINES}", path.display()));
        }
    }
    none(&wrong);
}

#[test]
fn nothing_says_whose_machine_it_was_written_on() {
    // In two parts, so that this file does not find itself.
    let homes = [["/", "root/"], ["/", "home/"], ["/", "Users/"], ["/", "work/"]].map(|parts| parts.concat());
    let mut wrong = Vec::new();
    for path in files() {
        for (number, line) in read(&path).lines().enumerate() {
            if homes.iter().any(|home| starts_a_path(line, home)) {
                wrong.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    none(&wrong);
}

/// The page is built from a workspace of its own, of the same crates (docs/adr/0039).
#[test]
fn the_page_has_the_versions_of_everything_else() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (all, page) = (
        locked(&root.join("Cargo.lock")),
        locked(&root.join("desktop/web/Cargo.lock")),
    );
    assert!(page.len() > 100, "{} crates", page.len());
    let others = page
        .difference(&all)
        .filter(|name| !name.starts_with("orchestrator-web "));
    let wrong: Vec<_> = others
        .map(|name| format!("desktop/web/Cargo.lock has {name}, which Cargo.lock has not"))
        .collect();
    none(&wrong);
}

/// The names and versions in a lock file. What stands in for a crate counts as that crate.
fn locked(path: &Path) -> BTreeSet<String> {
    let text = read(path);
    let packages = text.split("[[package]]").skip(1);
    let word = |package: &str, key: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(key))?;
        Some(line.trim_matches('"').to_owned())
    };
    packages
        .filter_map(|package| {
            Some(format!(
                "{} {}",
                word(package, "name = ")?,
                word(package, "version = ")?
            ))
        })
        .collect()
}

/// What a rule looks at in a `Cargo.toml`. Read as text: the manifests are ours and simply written, and `cargo metadata`
/// would resolve, and so hide, what a manifest says.
struct Manifest {
    name: String,
    /// Of the product, so not of its tests: what a crate's tests use is nobody else's burden.
    dependencies: Vec<String>,
}

impl Manifest {
    /// `None` for a manifest that describes no package, as the workspace's does.
    fn read(path: &Path) -> Option<Self> {
        let (mut section, mut name, mut dependencies) = (String::new(), None, Vec::new());
        for line in read(path).lines().map(str::trim) {
            if let Some(header) = line.strip_prefix('[') {
                header.trim_end_matches(']').clone_into(&mut section);
                // [dependencies.x] and [target.'…'.dependencies.x]
                if let Some((before, name)) = section.split_once("dependencies.")
                    && !before.contains("dev-")
                    && !before.starts_with("workspace")
                {
                    dependencies.push(name.to_owned());
                }
            } else if let Some((key, value)) = line.split_once('=') {
                let key = key.trim().trim_end_matches(".workspace");
                if section == "package" && key == "name" {
                    name = Some(value.trim().trim_matches('"').to_owned());
                }
                let product = section.ends_with("dependencies") && !section.ends_with("dev-dependencies");
                if product && !section.starts_with("workspace") && !key.starts_with('#') {
                    dependencies.push(key.to_owned());
                }
            }
        }
        Some(Self {
            name: name?,
            dependencies,
        })
    }
}

/// Every file that is, or is about to be, committed.
fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace is the folder above");
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .ok()
        .filter(|output| output.status.success())
        .map(|output| {
            let names = String::from_utf8_lossy(&output.stdout).into_owned();
            names.split_terminator('\0').map(|name| root.join(name)).collect()
        });
    // A source archive has no index: look at everything but what a build leaves.
    let files: Vec<PathBuf> = listed.unwrap_or_else(|| walk(root));
    assert!(files.len() > 20, "no files found below {}", root.display());
    files.into_iter().filter(|path| path.is_file()).collect()
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder that can be read").flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        if path.is_dir() && name != "target" && name != ".git" && name != ".orchestrator" {
            found.extend(walk(&path));
        } else if path.is_file() {
            found.push(path);
        }
    }
    found
}

/// The text of a file, or nothing when it is not text.
fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// Whether the line names a path below `home`, and not merely a route or an address that ends the same way.
fn starts_a_path(line: &str, home: &str) -> bool {
    line.match_indices(home).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !['.', '-', '_', '}', '~', '*'].contains(&c))
    })
}

fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

//! The configuration file: a default for every flag.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command};
use toml::{Table, Value};

use crate::{args, exit::Failure, place};

/// What a configuration file says, and where it is.
#[derive(Debug, Clone, Default)]
pub struct Config {
    path: PathBuf,
    table: Table,
}

impl Config {
    /// Reads the file that was named, or the one in its usual place if it is there.
    pub fn load(named: Option<&Path>) -> Result<Self, Failure> {
        let usual = place::config_file();
        let path: PathBuf = match (named, usual) {
            (Some(path), _) => path.to_owned(),
            (None, Some(path)) if path.exists() => path,
            _ => return Ok(Self::default()),
        };
        let text = std::fs::read_to_string(&path)
            .map_err(|e| Failure::usage(format!("the configuration {} cannot be read: {e}", path.display())))?;
        let table = text
            .parse()
            .map_err(|e: toml::de::Error| Failure::usage(format!("{}: {}", path.display(), place_of(&text, &e))))?;
        Ok(Self { path, table })
    }

    /// Where it is, if there is one that says something.
    pub fn path(&self) -> Option<&Path> {
        (!self.table.is_empty()).then_some(&*self.path)
    }

    /// Makes what the file says the defaults of a command line. Keys at the top are for every command that has such a
    /// flag; those in a table with a command's name are for that one.
    pub fn apply(&self, command: Command) -> Result<Command, Failure> {
        let said = |why: String| Failure::usage(format!("{}: {why}", self.path.display()));
        let mut command = command;
        // The tables last, so that they win.
        for (key, value) in self.table.iter().filter(|(_, v)| !v.is_table()) {
            let known = flags(&command);
            if !known.contains(key) {
                return Err(said(unknown(key, &known)));
            }
            command = give(command, key, value).map_err(said)?;
            let names: Vec<String> = command.get_subcommands().map(|c| c.get_name().to_owned()).collect();
            for name in names {
                let mut wrong = None;
                command = command.mut_subcommand(name, |sub| match give(sub.clone(), key, value) {
                    Ok(sub) => sub,
                    Err(why) => {
                        wrong = Some(why);
                        sub
                    }
                });
                wrong.map_or(Ok(()), |why| Err(said(why)))?;
            }
        }
        for (name, table) in self.table.iter().filter_map(|(k, v)| Some((k, v.as_table()?))) {
            let Some(sub) = command.find_subcommand(name) else {
                let names: Vec<String> = command.get_subcommands().map(|c| c.get_name().to_owned()).collect();
                return Err(said(unknown(name, &names)));
            };
            let mut changed = sub.clone();
            for (key, value) in table {
                let known = own_flags(&changed);
                if !known.contains(key) {
                    return Err(said(format!("[{name}] {}", unknown(key, &known))));
                }
                changed = give(changed, key, value).map_err(said)?;
            }
            command = command.mut_subcommand(name, |_| changed);
        }
        Ok(command)
    }
}

/// Where in the file something is wrong, on one line.
fn place_of(text: &str, error: &toml::de::Error) -> String {
    let line = error
        .span()
        .map(|span| text[..span.start.min(text.len())].lines().count().max(1));
    let line = line.map(|line| format!("line {line}: ")).unwrap_or_default();
    format!("{line}{}", error.message().replace('\n', ", "))
}

/// The keys of a command's own flags. The file cannot name another file.
fn own_flags(command: &Command) -> Vec<String> {
    let longs = command.get_arguments().filter_map(Arg::get_long);
    longs.filter(|long| *long != "config").map(args::key).collect()
}

fn flags(command: &Command) -> Vec<String> {
    let below = command.get_subcommands().flat_map(own_flags);
    own_flags(command).into_iter().chain(below).collect()
}

/// The command with a default for a flag, if it has that flag.
fn give(command: Command, key: &str, value: &Value) -> Result<Command, String> {
    let Some(flag) = command
        .get_arguments()
        .find(|flag| flag.get_long().map(args::key).as_deref() == Some(key))
    else {
        return Ok(command);
    };
    let many = matches!(flag.get_action(), ArgAction::Append);
    let id = flag.get_id().clone();
    let values = match value {
        Value::Array(values) if many => values.iter().map(|v| text(key, v)).collect::<Result<Vec<_>, _>>()?,
        Value::Array(_) => return Err(format!("`{key}` is one value, not a list")),
        value => vec![text(key, value)?],
    };
    Ok(command.mut_arg(id, |flag| flag.default_values(values).hide_default_value(false)))
}

fn text(key: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Float(number) => Ok(number.to_string()),
        Value::Boolean(flag) => Ok(flag.to_string()),
        _ => Err(format!("`{key}` is a text, a number, or true or false")),
    }
}

fn unknown(key: &str, known: &[String]) -> String {
    let likeness = |name: &String| strsim::jaro(name, key);
    let nearest = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let nearest = nearest.map(|name| format!("; did you mean `{name}`?"));
    format!("`{key}` is not a key{}", nearest.unwrap_or_default())
}

/// The configuration file that a command line names, without understanding the rest of it.
pub fn named(words: impl Iterator<Item = std::ffi::OsString>) -> Option<PathBuf> {
    let mut words = words.skip(1);
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("--") => break,
            Some("--config") => return words.next().map(PathBuf::from),
            Some(word) if word.starts_with("--config=") => {
                return word.split_once('=').map(|(_, path)| PathBuf::from(path));
            }
            _ => {}
        }
    }
    std::env::var_os(args::variable("config"))
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches;

    use super::*;
    use crate::args::{Args, Command as Asked};

    fn parse(file: &str, words: &[&str]) -> Result<Args, String> {
        let config = Config {
            path: "c.toml".into(),
            table: file.parse().map_err(|e: toml::de::Error| e.to_string())?,
        };
        let command = config.apply(args::command()).map_err(|f| f.message)?;
        let matches = command
            .try_get_matches_from(std::iter::once(&"orchestrator").chain(words))
            .map_err(|e| e.to_string())?;
        Args::from_arg_matches(&matches).map_err(|e| e.to_string())
    }

    fn slots(file: &str, words: &[&str]) -> Option<u32> {
        match parse(file, words).expect("a command line").command {
            Asked::Run(run) => run.here.slots,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_command_line_wins_over_a_table_and_that_over_the_top() {
        assert_eq!(slots("", &["run", "x"]), None);
        assert_eq!(slots("slots = 3", &["run", "x"]), Some(3));
        assert_eq!(slots("slots = 3\n[run]\nslots = 4", &["run", "x"]), Some(4));
        assert_eq!(slots("slots = 3", &["run", "x", "--slots", "5"]), Some(5));
    }

    #[test]
    fn lists_switches_and_what_is_everywhere() {
        let file = "json = true\ndatabase = 'memory:'\nexclude = ['a', 'b']\ntrust = true";
        let args = parse(file, &["run", "x"]).expect("a command line");
        assert!(args.common.json);
        assert_eq!(args.common.database.as_deref(), Some("memory:"));
        let Asked::Run(run) = args.command else {
            panic!("not a run")
        };
        assert_eq!(run.job.review.exclude, ["a", "b"]);
        assert!(run.job.review.trust);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (file, expected) in [
            ("slot = 3", "c.toml: `slot` is not a key; did you mean `slots`?"),
            ("[runn]\nslots = 1", "c.toml: `runn` is not a key; did you mean `run`?"),
            (
                "[list]\nslots = 1",
                "c.toml: [list] `slots` is not a key; did you mean `limit`?",
            ),
            ("config = 'other'", "c.toml: `config` is not a key"),
            ("slots = [1]", "c.toml: `slots` is one value, not a list"),
            (
                "slots = 1979-05-27",
                "c.toml: `slots` is a text, a number, or true or false",
            ),
        ] {
            let why = parse(file, &["run", "x"]).expect_err(file);
            assert!(why.starts_with(expected), "{why}");
        }
        assert!(parse("slots = 'many'", &["run", "x"]).is_err());
    }
}

//! The configuration file: a default for every flag.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use clap::{Arg, ArgAction, Command, error::ErrorKind};
use toml::{Table, Value};

/// The file that a command line or the environment names.
pub(super) fn named(mut words: impl Iterator<Item = OsString>) -> Option<PathBuf> {
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("--config") => return words.next().map(PathBuf::from),
            Some(word) if word.starts_with("--config=") => {
                return word.split_once('=').map(|(_, path)| PathBuf::from(path));
            }
            _ => {}
        }
    }
    std::env::var_os("ORCHESTRATOR_CONFIG")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
}

/// Makes what a file says the defaults of a command line.
pub(super) fn apply(path: &Path, mut command: Command) -> Result<Command, clap::Error> {
    let wrong = |why: String| clap::Error::raw(ErrorKind::InvalidValue, format!("{}: {why}\n", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let table: Table = text
        .parse()
        .map_err(|error: toml::de::Error| wrong(error.message().replace('\n', ", ")))?;
    for (key, value) in &table {
        command = give(command, key, value).map_err(wrong)?;
    }
    Ok(command)
}

fn give(command: Command, key: &str, value: &Value) -> Result<Command, String> {
    let flag = command
        .get_arguments()
        .find(|flag| key_of(flag).as_deref() == Some(key));
    let Some(flag) = flag.filter(|_| key != "config") else {
        let keys: Vec<String> = command.get_arguments().filter_map(key_of).collect();
        return Err(format!("`{key}` is not a key; there are {}", keys.join(", ")));
    };
    let values = match value {
        Value::Array(values) if matches!(flag.get_action(), ArgAction::Append) => values
            .iter()
            .map(|value| text(key, value))
            .collect::<Result<Vec<_>, _>>()?,
        Value::Array(_) => return Err(format!("`{key}` is one value, not a list")),
        value => vec![text(key, value)?],
    };
    let id = flag.get_id().clone();
    Ok(command.mut_arg(id, |flag| flag.default_values(values)))
}

fn key_of(flag: &Arg) -> Option<String> {
    flag.get_long().map(|long| long.replace('-', "_"))
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

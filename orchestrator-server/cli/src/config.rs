//! The configuration file.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::{exit::Failure, place};

/// What the configuration file may say: the long names of the flags.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The store.
    pub database: Option<String>,
    /// How many tasks run at once.
    pub slots: Option<u32>,
    /// The model for agents that ask one.
    pub model: Option<String>,
    /// Its server.
    pub model_url: Option<String>,
    /// The environment variable that holds its key.
    pub model_key_env: Option<String>,
}

const KEYS: [&str; 5] = ["database", "slots", "model", "model_url", "model_key_env"];

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
        Self::parse(&text).map_err(|why| Failure::usage(format!("{}: {why}", path.display())))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let table: toml::Table = text.parse().map_err(|e: toml::de::Error| e.message().to_owned())?;
        for key in table.keys().filter(|key| !KEYS.contains(&key.as_str())) {
            let nearest = KEYS.iter().max_by(|a, b| {
                strsim::jaro(a, key)
                    .partial_cmp(&strsim::jaro(b, key))
                    .unwrap_or(std::cmp::Ordering::Equal)
            });
            return Err(format!(
                "`{key}` is not a key; did you mean `{}`?",
                nearest.unwrap_or(&"")
            ));
        }
        table.try_into().map_err(|e: toml::de::Error| e.message().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_flags() {
        let config = Config::parse("slots = 3\nmodel_url = 'http://127.0.0.1:11434/v1'").expect("a file");
        assert_eq!(config.slots, Some(3));
        assert_eq!(
            Config::parse("slot = 3").unwrap_err(),
            "`slot` is not a key; did you mean `slots`?"
        );
        assert!(Config::parse("slots = 'many'").is_err());
        assert!(Config::parse("= 3").is_err());
    }
}

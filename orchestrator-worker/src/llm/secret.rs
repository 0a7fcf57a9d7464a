//! A key that cannot be printed by accident.

use std::fmt;

use super::KeySource;

/// A key. It shows itself to nobody but the request that carries it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Finds a key where it is said to be.
    ///
    /// # Errors
    ///
    /// It is not there; the message names the place, never the key.
    pub fn find(source: &KeySource) -> Result<Self, String> {
        let text = match source {
            KeySource::Environment(name) => std::env::var(name).map_err(|_| {
                format!("the environment variable {name}, which should hold the model's key, is not set")
            })?,
            KeySource::File(path) => std::fs::read_to_string(path).map_err(|e| {
                format!(
                    "the file {}, which should hold the model's key, cannot be read: {e}",
                    path.display()
                )
            })?,
        };
        let text = text.trim();
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err("the model's key is empty or holds control characters".to_owned());
        }
        Ok(Self(text.to_owned()))
    }

    /// The key, for the one header that needs it.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// A text without the key: servers like to repeat it in their errors.
    pub(super) fn scrub(&self, text: &str) -> String {
        text.replace(&self.0, "[key]")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[key]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stays_secret() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, " sk-abc123\n").unwrap();
        let key = Secret::find(&KeySource::File(file)).unwrap();
        assert_eq!(key.expose(), "sk-abc123");
        assert_eq!(format!("{key:?}"), "[key]");
        assert_eq!(key.scrub("bad key sk-abc123!"), "bad key [key]!");
        let missing = Secret::find(&KeySource::Environment("NO_SUCH_KEY_HERE".into())).unwrap_err();
        assert!(missing.contains("NO_SUCH_KEY_HERE"));
    }
}

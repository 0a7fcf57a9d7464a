//! What is kept from one start to the next.

use orchestrator_desktop_model::settings::Settings;

/// What was kept; defaults where nothing was, or nothing that can be read.
pub fn load() -> Settings {
    platform::read()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}

/// Keeps the settings.
///
/// # Errors
///
/// Why they cannot be kept, in words for people.
pub fn save(settings: &Settings) -> Result<(), String> {
    let text = serde_json::to_string_pretty(settings).map_err(|error| error.to_string())?;
    platform::write(&text)
}

#[cfg(feature = "native")]
mod platform {
    use std::{env, fs, path::PathBuf};

    /// `settings.json` in the folder that the system has for it.
    fn file() -> Option<PathBuf> {
        let folder = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder = if cfg!(windows) {
            folder("APPDATA")
        } else if cfg!(target_os = "macos") {
            folder("HOME").map(|home| home.join("Library/Application Support"))
        } else {
            folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")))
        };
        folder.map(|folder| folder.join("orchestrator").join("settings.json"))
    }

    pub(super) fn read() -> Option<String> {
        fs::read_to_string(file()?).ok()
    }

    pub(super) fn write(text: &str) -> Result<(), String> {
        let file = file().ok_or("the system names no folder for settings")?;
        let failed = |error: std::io::Error| format!("{}: {error}", file.display());
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        fs::write(&file, text).map_err(failed)
    }
}

#[cfg(not(feature = "native"))]
mod platform {
    pub(super) fn read() -> Option<String> {
        None
    }

    pub(super) fn write(_text: &str) -> Result<(), String> {
        Ok(())
    }
}

//! What a person has set: servers and the theme. Tokens are not in here, so that this can be kept in the open.

use serde::{Deserialize, Serialize};

/// Light, dark, or as the system is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// As the system is.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Mode {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::System => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
        })
    }
}

/// A server that a person uses.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Server {
    /// Its URL: `http://host:8080`, or `sqlite:FILE` for an engine inside the app.
    pub url: String,
    /// What the person calls it; empty means by its URL.
    #[serde(default)]
    pub name: String,
}

impl Server {
    /// What to call it.
    pub fn title(&self) -> &str {
        if self.name.is_empty() { &self.url } else { &self.name }
    }
}

/// What a person has set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The servers, in the person's order.
    pub servers: Vec<Server>,
    /// The one in use: a place in `servers`.
    pub current: usize,
    /// Light, dark, or as the system is.
    pub mode: Mode,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            servers: vec![Server {
                url: "http://127.0.0.1:8080".to_owned(),
                name: String::new(),
            }],
            current: 0,
            mode: Mode::System,
        }
    }
}

impl Settings {
    /// The server in use.
    pub fn server(&self) -> Option<&Server> {
        self.servers.get(self.current).or(self.servers.first())
    }

    /// Uses a server by its URL, and knows it from now on.
    pub fn choose(&mut self, url: &str) {
        self.current = self
            .servers
            .iter()
            .position(|server| server.url == url)
            .unwrap_or_else(|| {
                self.servers.push(Server {
                    url: url.to_owned(),
                    name: String::new(),
                });
                self.servers.len() - 1
            });
    }
}

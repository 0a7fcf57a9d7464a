//! The list of servers as a person changes it.

use crate::settings::{Server, Settings};

/// A server that is being added or changed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// Which one it was; none for a new one.
    pub place: Option<usize>,
    /// Its URL.
    pub url: String,
    /// What the person calls it.
    pub name: String,
    /// Its new token; empty leaves it as it is.
    pub token: String,
}

/// Never with the token.
impl std::fmt::Debug for Draft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut draft = f.debug_struct("Draft");
        draft
            .field("place", &self.place)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Draft {
    /// A server that is there, to be changed.
    pub fn of(settings: &Settings, place: usize) -> Option<Self> {
        let server = settings.servers.get(place)?;
        Some(Self {
            place: Some(place),
            url: server.url.clone(),
            name: server.name.clone(),
            token: String::new(),
        })
    }

    /// What is wrong with it beside what its URL's form may be.
    pub fn wrong(&self, settings: &Settings) -> Option<String> {
        let url = self.url.trim();
        let same = |(place, server): (usize, &Server)| server.url == url && Some(place) != self.place;
        if url.is_empty() {
            return Some("Write the server's address, like http://127.0.0.1:8080.".to_owned());
        }
        let twice = settings.servers.iter().enumerate().any(same);
        twice.then(|| "This server is in the list already.".to_owned())
    }

    /// The settings with it. A first server is the one in use.
    #[must_use]
    pub fn put(&self, settings: &Settings) -> Settings {
        let mut settings = settings.clone();
        let server = Server {
            url: self.url.trim().to_owned(),
            name: self.name.trim().to_owned(),
        };
        match self.place.and_then(|place| settings.servers.get_mut(place)) {
            Some(place) => *place = server,
            None => settings.servers.push(server),
        }
        settings
    }
}

/// The settings with another server in use.
#[must_use]
pub fn used(settings: &Settings, place: usize) -> Settings {
    let mut settings = settings.clone();
    if place < settings.servers.len() {
        settings.current = place;
    }
    settings
}

/// The settings without a server. The one in use stays in use, unless it is the one that goes; the last one stays.
#[must_use]
pub fn without(settings: &Settings, place: usize) -> Settings {
    let mut settings = settings.clone();
    if settings.servers.len() < 2 || place >= settings.servers.len() {
        return settings;
    }
    settings.servers.remove(place);
    if settings.current > place || settings.current >= settings.servers.len() {
        settings.current = settings.current.saturating_sub(1);
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(urls: &[&str], current: usize) -> Settings {
        let server = |url: &&str| Server {
            url: (*url).to_owned(),
            name: String::new(),
        };
        Settings {
            servers: urls.iter().map(server).collect(),
            current,
            ..Settings::default()
        }
    }

    fn in_use(settings: &Settings) -> &str {
        &settings.server().expect("a server").url
    }

    #[test]
    fn the_one_in_use_stays_in_use() {
        let all = settings(&["a", "b", "c"], 1);
        assert_eq!(in_use(&without(&all, 0)), "b");
        assert_eq!(in_use(&without(&all, 2)), "b");
        assert_eq!(in_use(&without(&all, 1)), "c");
        assert_eq!(in_use(&without(&settings(&["a", "b"], 1), 1)), "a");
        assert_eq!(without(&settings(&["a"], 0), 0).servers.len(), 1);
        assert_eq!(in_use(&used(&all, 2)), "c");
        assert_eq!(in_use(&used(&all, 9)), "b");
    }

    #[test]
    fn a_draft_is_put_where_it_was_and_no_server_is_there_twice() {
        let all = settings(&["a", "b"], 0);
        let mut draft = Draft::of(&all, 1).expect("a server");
        assert_eq!(draft.wrong(&all), None);
        draft.url = " c ".to_owned();
        assert_eq!(draft.put(&all).servers[1].url, "c");
        draft.url = "a".to_owned();
        assert!(draft.wrong(&all).is_some());
        draft.place = None;
        draft.url = "d".to_owned();
        assert_eq!(draft.put(&all).servers.len(), 3);
        assert!(Draft::default().wrong(&all).is_some());
    }

    #[test]
    fn a_token_is_never_said() {
        let draft = Draft {
            token: "secret".to_owned(),
            ..Draft::default()
        };
        assert!(!format!("{draft:?}").contains("secret"));
    }
}

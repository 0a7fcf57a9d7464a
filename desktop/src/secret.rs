//! Tokens: in the system's keyring where there is one, otherwise in the app's memory. Never in a file, never in a URL.

use std::{
    collections::BTreeMap,
    sync::{LazyLock, Mutex, PoisonError},
};

/// Where a token is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// In the system's keyring: from one start to the next.
    InKeyring,
    /// Until the app ends, for this reason.
    InMemory(String),
}

/// What no keyring keeps, by the server's URL.
static MEMORY: LazyLock<Mutex<BTreeMap<String, String>>> = LazyLock::new(Mutex::default);

/// The token of a server; none where none is kept, or the person does not open the keyring.
pub async fn load(url: &str) -> Option<String> {
    match remembered(url) {
        Some(token) => Some(token),
        None => platform::read(url.to_owned()).await,
    }
}

/// Keeps the token of a server, or forgets it.
pub async fn keep(url: String, token: Option<String>) -> Kept {
    let kept = platform::write(url.clone(), token.clone()).await;
    remember(url, token.filter(|_| kept != Kept::InKeyring));
    kept
}

fn remembered(url: &str) -> Option<String> {
    MEMORY.lock().unwrap_or_else(PoisonError::into_inner).get(url).cloned()
}

fn remember(url: String, token: Option<String>) {
    let mut memory = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    match token {
        Some(token) => drop(memory.insert(url, token)),
        None => drop(memory.remove(&url)),
    }
}

#[cfg(feature = "native")]
mod platform {
    use std::thread;

    use futures::channel::oneshot;
    use keyring::{Entry, Error};

    use super::Kept;

    /// Under this name the tokens are in the keyring.
    const SERVICE: &str = "orchestrator";

    /// On a thread of its own: a keyring may ask the person for a password, and drives its own connection.
    async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let (tell, told) = oneshot::channel();
        let started = thread::Builder::new().name("keyring".to_owned()).spawn(move || {
            // Nobody waits any more: then it need not be told.
            let _ = tell.send(work());
        });
        started.ok()?;
        told.await.ok()
    }

    pub(super) async fn read(url: String) -> Option<String> {
        apart(
            move || match Entry::new(SERVICE, &url).and_then(|entry| entry.get_password()) {
                Ok(token) => Some(token),
                Err(Error::NoEntry) => None,
                Err(why) => {
                    tracing::debug!("the keyring gives no token: {why}");
                    None
                }
            },
        )
        .await
        .flatten()
    }

    pub(super) async fn write(url: String, token: Option<String>) -> Kept {
        let written = apart(move || {
            let entry = Entry::new(SERVICE, &url)?;
            match token {
                Some(token) => entry.set_password(&token),
                None => match entry.delete_credential() {
                    Err(Error::NoEntry) => Ok(()),
                    other => other,
                },
            }
        })
        .await;
        match written {
            Some(Ok(())) => Kept::InKeyring,
            Some(Err(Error::NoStorageAccess(why) | Error::PlatformFailure(why))) => {
                tracing::debug!("no keyring: {why}");
                Kept::InMemory("this system has no keyring that opens".to_owned())
            }
            Some(Err(why)) => Kept::InMemory(format!("the keyring does not take it ({why})")),
            None => Kept::InMemory("the keyring does not answer".to_owned()),
        }
    }
}

#[cfg(not(feature = "native"))]
mod platform {
    use super::Kept;

    #[expect(clippy::unused_async, reason = "as on the desktop")]
    pub(super) async fn read(_url: String) -> Option<String> {
        None
    }

    #[expect(clippy::unused_async, reason = "as on the desktop")]
    pub(super) async fn write(_url: String, _token: Option<String>) -> Kept {
        Kept::InMemory("a browser keeps no secrets".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_keyring_takes_is_remembered_by_server_until_it_is_forgotten() {
        remember("http://a".to_owned(), Some("one".to_owned()));
        remember("http://b".to_owned(), Some("two".to_owned()));
        assert_eq!(remembered("http://a").as_deref(), Some("one"));
        remember("http://a".to_owned(), None);
        assert_eq!(remembered("http://a"), None);
        assert_eq!(remembered("http://b").as_deref(), Some("two"));
    }
}

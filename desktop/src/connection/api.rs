//! What can be asked, and of whom.

use std::{
    hash::{Hash, Hasher},
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use orchestrator_desktop_model::Failure;
#[cfg(not(feature = "embedded"))]
use orchestrator_desktop_model::FailureKind;

use super::{remote::Remote, source::Source};

/// Where to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// A server's URL, or `sqlite:FILE` or `memory:` for an engine inside the app, where the build has one.
    pub url: String,
    /// The token, where the server asks for one.
    pub token: Option<String>,
}

/// Why nothing can be asked there.
pub type OpenError = Failure;

/// What answers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Api {
    source: Arc<dyn Source>,
    /// Tells connections apart, so that a new one to the same address is followed anew.
    number: u64,
}

impl Hash for Api {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

impl Deref for Api {
    type Target = dyn Source;

    fn deref(&self) -> &Self::Target {
        &*self.source
    }
}

impl Api {
    /// Makes what is needed for asking; whether a server answers is not known before the first call.
    ///
    /// # Errors
    ///
    /// The address is none, or the engine cannot use its file.
    pub async fn open(target: Target) -> Result<Self, OpenError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let url = target.url.trim();
        let source: Arc<dyn Source> = if url.starts_with("sqlite:") || url.starts_with("memory:") {
            open_embedded(url).await?
        } else {
            Arc::new(Remote::open(url, target.token)?)
        };
        Ok(Self {
            source,
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
        })
    }
}

#[cfg(feature = "embedded")]
async fn open_embedded(url: &str) -> Result<Arc<dyn Source>, OpenError> {
    Ok(Arc::new(super::embedded::Embedded::open(url).await?))
}

#[cfg(not(feature = "embedded"))]
#[expect(clippy::unused_async, reason = "as where there is an engine")]
async fn open_embedded(url: &str) -> Result<Arc<dyn Source>, OpenError> {
    let message =
        format!("this build has no engine of its own for `{url}`; write the URL of a server: http://host:8080");
    Err(Failure::new(FailureKind::Address, message))
}

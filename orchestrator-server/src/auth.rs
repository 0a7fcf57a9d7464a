//! Tokens: who calls, and whether they may.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use orchestrator_core::{clock::Sources, store::Store};
use orchestrator_protocol::{Code, Role, Timestamp, Token, TokenId};
use poem::{
    Request,
    http::{HeaderMap, header},
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{
    access::{self, Need},
    app::App,
    problem::Failure,
};

/// How long a token that was looked up is believed: a revoked one counts no longer than that.
const BELIEVED: Duration = Duration::from_secs(5);

/// How many looked-up tokens are remembered, wrong ones included.
const REMEMBERED: usize = 10_000;

/// How a token is told as a WebSocket subprotocol, which is all that a browser can set.
pub(crate) const SUBPROTOCOL: &str = "bearer.";

/// The same in URL-safe Base64, for a token with characters that no subprotocol may have.
const SUBPROTOCOL_BASE64: &str = "bearer64.";

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// A name for the log.
    pub name: String,
    /// What they may do.
    pub roles: BTreeSet<Role>,
}

impl Caller {
    /// Whether they may do what needs this.
    pub(crate) fn may(&self, need: Need) -> bool {
        match need {
            Need::Nothing | Need::Token => true,
            Need::Role(role) => self.roles.contains(&role) || self.roles.contains(&Role::Admin),
        }
    }
}

/// Knows who calls.
pub struct Guard {
    /// None: nobody is asked who they are.
    locked: Option<Locked>,
    /// Whoever calls where nobody is asked.
    anyone: Arc<Caller>,
    sources: Sources,
}

/// What let somebody in whose connection stays open.
#[derive(Debug, Clone, Copy)]
struct Pass {
    /// None: nobody is asked who they are.
    digest: Option<[u8; 32]>,
    need: Need,
}

/// When a digest was looked up, and what was found.
type LookedUp = (Timestamp, Option<Token>);

struct Locked {
    store: Arc<dyn Store>,
    /// The digest of the admin's token that the configuration says.
    admin: Option<[u8; 32]>,
    seen: Mutex<HashMap<[u8; 32], LookedUp>>,
}

impl Guard {
    /// Lets everyone in, as whoever may do everything.
    pub fn open(sources: Sources) -> Self {
        Self {
            locked: None,
            anyone: Arc::new(everyone()),
            sources,
        }
    }

    /// Asks for tokens: those of the store, and the admin's of the configuration.
    pub fn locked(store: Arc<dyn Store>, admin: Option<&str>, sources: Sources) -> Self {
        let locked = Locked {
            store,
            admin: admin.map(digest),
            seen: Mutex::default(),
        };
        Self {
            locked: Some(locked),
            anyone: Arc::new(everyone()),
            sources,
        }
    }

    /// Whether nobody is asked who they are.
    pub(crate) fn is_open(&self) -> bool {
        self.locked.is_none()
    }

    /// Who makes a request, if they may do what it needs.
    ///
    /// # Errors
    ///
    /// 401 and 403; 503 when the store cannot be asked.
    pub(crate) async fn admit(&self, request: &Request, need: Need) -> Result<Arc<Caller>, Failure> {
        let Some(locked) = &self.locked else {
            return Ok(self.anyone.clone());
        };
        if need == Need::Nothing {
            return Ok(self.anyone.clone());
        }
        let Some(secret) = secret(request.headers()) else {
            let wanted = "send `Authorization: Bearer TOKEN`";
            return Err(Failure::new(Code::Unauthorized, wanted));
        };
        let caller = locked.caller(digest(&secret), self.sources.clock.now()).await?;
        if caller.may(need) {
            return Ok(Arc::new(caller));
        }
        let Need::Role(role) = need else {
            return Ok(Arc::new(caller));
        };
        let detail = format!(
            "this needs the role `{role}`, which the token `{}` does not have",
            caller.name
        );
        Err(Failure::new(Code::Forbidden, detail))
    }

    /// What a request that was admitted came in with.
    fn pass(&self, request: &Request) -> Pass {
        let secret = self.locked.as_ref().and_then(|_| secret(request.headers()));
        Pass {
            digest: secret.map(|secret| digest(&secret)),
            need: access::need(request.method(), request.original_uri().path()),
        }
    }

    /// Returns when whoever came in with a pass would not be let in again: its token was revoked, or is at its end.
    async fn refuses(&self, pass: Pass) {
        let (Some(locked), Some(digest)) = (&self.locked, pass.digest) else {
            return std::future::pending().await;
        };
        loop {
            tokio::time::sleep(BELIEVED).await;
            match locked.caller(digest, self.sources.clock.now()).await {
                Ok(caller) if caller.may(pass.need) => {}
                // A store that does not answer says nothing about anybody.
                Err(failure) if failure.0.code != Code::Unauthorized => {}
                Ok(_) | Err(_) => return,
            }
        }
    }

    /// A new token and its secret, which nobody can tell again.
    pub(crate) fn mint(&self, name: String, roles: BTreeSet<Role>, expires_at: Option<Timestamp>) -> (Token, String) {
        let ids = &self.sources.ids;
        let token = Token {
            id: TokenId::from_uuid(ids.uuid()),
            name,
            roles,
            created_at: self.sources.clock.now(),
            expires_at,
        };
        (token, secret_of(&random()))
    }

    /// Forgets what was looked up, as a token was changed.
    pub(crate) fn forget(&self) {
        if let Some(locked) = &self.locked {
            locked.seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }
}

/// For how long whoever made a request may stay on the connection that it opens.
pub(crate) struct Tenure(Option<(App, Pass)>);

impl Tenure {
    pub(crate) fn of(request: &Request) -> Self {
        Self(request.data::<App>().map(|app| (app.clone(), app.guard.pass(request))))
    }

    /// Returns when they may not stay any longer; never where nobody is asked who they are.
    pub(crate) async fn end(self) {
        match self.0 {
            Some((app, pass)) => app.guard.refuses(pass).await,
            None => std::future::pending().await,
        }
    }
}

fn everyone() -> Caller {
    Caller {
        name: "anyone".to_owned(),
        roles: BTreeSet::from([Role::Admin]),
    }
}

impl Locked {
    async fn caller(&self, digest: [u8; 32], now: Timestamp) -> Result<Caller, Failure> {
        if self.admin.is_some_and(|admin| bool::from(admin.ct_eq(&digest))) {
            return Ok(Caller {
                name: "the configuration's admin".to_owned(),
                ..everyone()
            });
        }
        let known = self.look_up(digest, now).await?;
        let valid = known.filter(|token| token.expires_at.is_none_or(|at| at > now));
        let token = valid.ok_or_else(|| {
            let detail = "this token is not known, has expired or was revoked";
            Failure::new(Code::Unauthorized, detail)
        })?;
        Ok(Caller {
            name: token.name,
            roles: token.roles,
        })
    }

    async fn look_up(&self, digest: [u8; 32], now: Timestamp) -> Result<Option<Token>, Failure> {
        {
            let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((at, token)) = seen.get(&digest)
                && now.since(*at) < BELIEVED
            {
                return Ok(token.clone());
            }
        }
        let token = self.store.token_by_digest(digest).await?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED {
            seen.clear();
        }
        seen.insert(digest, (now, token.clone()));
        Ok(token)
    }
}

/// The secret that a request carries.
fn secret(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some((scheme, secret)) = bearer.and_then(|value| value.split_once(' '))
        && scheme.eq_ignore_ascii_case("bearer")
    {
        return Some(secret.trim().into());
    }
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let mut offered = offered
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    offered.find_map(|protocol| {
        let protocol = protocol.trim();
        let encoded = || URL_SAFE_NO_PAD.decode(protocol.strip_prefix(SUBPROTOCOL_BASE64)?).ok();
        match protocol.strip_prefix(SUBPROTOCOL) {
            Some(secret) => Some(secret.into()),
            None => String::from_utf8(encoded()?).ok().map(Cow::from),
        }
    })
}

/// What is kept of a secret.
pub(crate) fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// 256 bits that nobody can guess.
fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut bytes)
        .expect("the system has randomness");
    bytes
}

fn secret_of(bytes: &[u8; 32]) -> String {
    use std::fmt::Write;
    let mut secret = String::from("orc_");
    for byte in bytes {
        write!(secret, "{byte:02x}").expect("a String takes everything");
    }
    secret
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;

    use super::*;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).expect("a header"));
        headers
    }

    #[test]
    fn the_secret_is_found_where_it_may_be() {
        let found = |name, value: &str| secret(&headers(name, value)).map(Cow::into_owned);
        assert_eq!(found(header::AUTHORIZATION, "Bearer abc"), Some("abc".into()));
        assert_eq!(found(header::AUTHORIZATION, "bearer  abc"), Some("abc".into()));
        assert_eq!(found(header::AUTHORIZATION, "Basic abc"), None);
        assert_eq!(found(header::AUTHORIZATION, "abc"), None);
        assert_eq!(
            found(header::SEC_WEBSOCKET_PROTOCOL, "orchestrator, bearer.abc"),
            Some("abc".into())
        );
        assert_eq!(
            found(header::SEC_WEBSOCKET_PROTOCOL, "orchestrator, bearer64.YS9iPQ"),
            Some("a/b=".into())
        );
        for none in ["orchestrator", "bearer64.a/b=", "bearer64._w"] {
            assert_eq!(found(header::SEC_WEBSOCKET_PROTOCOL, none), None, "{none}");
        }
    }

    #[test]
    fn roles_allow_what_they_say() {
        let caller = |roles: &[Role]| Caller {
            name: "x".to_owned(),
            roles: roles.iter().copied().collect(),
        };
        assert!(caller(&[Role::Viewer]).may(Need::Token));
        assert!(!caller(&[Role::Viewer]).may(Need::Role(Role::Submitter)));
        assert!(caller(&[Role::Admin]).may(Need::Role(Role::Worker)));
        assert!(!caller(&[Role::Submitter]).may(Need::Role(Role::Reviewer)));
    }

    #[test]
    fn no_two_secrets_are_alike() {
        let (a, b) = (secret_of(&random()), secret_of(&random()));
        assert_ne!(a, b);
        assert_eq!(a.len(), 4 + 64);
    }
}

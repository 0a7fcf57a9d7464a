//! Who is let in.

use std::collections::BTreeSet;

use orchestrator_protocol::{Page, Role, Timestamp, Token};
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Group, query};
use crate::{
    app::App,
    auth,
    problem::Failure,
    wire::{Answer, Body, Created, Done},
};

/// A token to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewToken {
    /// Whose it is, for people.
    name: String,
    /// What its holder may do.
    roles: BTreeSet<Role>,
    /// When it stops to count; never when left out.
    #[serde(default)]
    expires_at: Option<Timestamp>,
}

/// A token that was just made, with its secret, which is never shown again.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MintedToken {
    #[serde(flatten)]
    token: Token,
    /// What to send as `Authorization: Bearer …`.
    secret: String,
}

pub(crate) struct Tokens(pub(super) App);

/// All of it needs the role `admin`.
#[OpenApi(tag = "Group::Tokens")]
impl Tokens {
    /// List tokens, by name
    #[oai(path = "/tokens", method = "get", operation_id = "list_tokens")]
    async fn list(
        &self,
        /// How many, 1 to 500; 50 when left out.
        limit: Query<Option<i64>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Answer<Page<Token>>, Failure> {
        let tokens = self.0.engine.store.tokens().await?;
        let key = |token: &Token| format!("{}\0{}", token.name, token.id);
        query::page_of(tokens, key, limit.0, cursor.0.as_ref()).map(Answer)
    }

    /// Make a token
    ///
    /// Its secret is in this answer and nowhere else.
    #[oai(path = "/tokens", method = "post", operation_id = "create_token")]
    async fn create(&self, body: Body<NewToken>) -> Result<Created<MintedToken>, Failure> {
        let NewToken {
            name,
            roles,
            expires_at,
        } = body.0;
        if name.trim().is_empty() || name.chars().count() > 200 {
            return Err(Failure::field("name", "must have 1 to 200 characters"));
        }
        if roles.is_empty() {
            return Err(Failure::field("roles", "must name at least one role"));
        }
        let (token, secret) = self.0.guard.mint(name, roles, expires_at);
        let digest = auth::digest(&secret);
        self.0.engine.store.put_token(token.clone(), digest).await?;
        self.0.guard.forget();
        Ok(Created {
            value: MintedToken { token, secret },
            new: true,
        })
    }

    /// Revoke a token
    ///
    /// Other servers of the fleet may believe it for some seconds more.
    #[oai(path = "/tokens/:token_id", method = "delete", operation_id = "delete_token")]
    async fn delete(&self, token_id: Path<String>) -> Result<Done, Failure> {
        let id = query::id("token_id", &token_id)?;
        self.0.engine.store.delete_token(id).await?;
        self.0.guard.forget();
        Ok(Done)
    }
}

//! Tokens.

use orchestrator_core::store::StoreError;
use orchestrator_protocol::{Role, Token, TokenId};
use uuid::Uuid;

use crate::harness::Harness;

fn token(h: &Harness, id: u128, name: &str, roles: &[Role]) -> Token {
    Token {
        id: TokenId::from_uuid(Uuid::from_u128(id)),
        name: name.to_owned(),
        roles: roles.iter().copied().collect(),
        created_at: h.now(),
        expires_at: None,
    }
}

pub async fn tokens_are_found_by_their_digest(h: &Harness) {
    let viewer = token(h, 2, "a viewer", &[Role::Viewer]);
    let admin = token(h, 1, "the admin", &[Role::Admin, Role::Reviewer]);
    h.store.put_token(admin.clone(), [1; 32]).await.expect("a token");
    h.store.put_token(viewer.clone(), [2; 32]).await.expect("a token");
    assert_eq!(h.store.tokens().await.expect("tokens"), [viewer.clone(), admin.clone()]);
    let found = |n: u8| async move { h.store.token_by_digest([n; 32]).await.expect("an answer") };
    assert_eq!(found(1).await, Some(admin));
    assert_eq!(found(2).await, Some(viewer));
    assert_eq!(found(3).await, None);
}

pub async fn a_revoked_token_is_gone(h: &Harness) {
    let first = token(h, 1, "the admin", &[Role::Admin]);
    h.store.put_token(first.clone(), [1; 32]).await.expect("a token");
    let mut changed = first.clone();
    changed.expires_at = Some(h.now());
    h.store.put_token(changed.clone(), [9; 32]).await.expect("a token");
    assert_eq!(h.store.token_by_digest([1; 32]).await.expect("an answer"), None);
    assert_eq!(
        h.store.token_by_digest([9; 32]).await.expect("an answer"),
        Some(changed)
    );
    h.store.delete_token(first.id).await.expect("a token to revoke");
    assert_eq!(h.store.token_by_digest([9; 32]).await.expect("an answer"), None);
    let again = h.store.delete_token(first.id).await;
    assert!(matches!(again, Err(StoreError::NotFound(_))), "{again:?}");
}

//! What a client offers that can set no header on a WebSocket, which is every page in a browser.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// What is spoken, and what a server that knows nothing else takes.
pub const SPOKEN: &str = "orchestrator";

/// The same, and the first frame says where in the history it begins, as a page sees no header of the answer either.
/// Such frames come again from time to time, as a page does not see pings.
pub const PLACED: &str = "orchestrator.place";

/// The subprotocols to offer, the best first, with the token if one is needed: as `bearer.TOKEN`, or as
/// `bearer64.` and its URL-safe Base64 where it has characters that no subprotocol may have.
pub fn offered(token: Option<&str>) -> Vec<String> {
    let mut offered = vec![PLACED.to_owned(), SPOKEN.to_owned()];
    offered.extend(token.map(|token| {
        if token.bytes().all(may_be_told) {
            format!("bearer.{token}")
        } else {
            format!("bearer64.{}", URL_SAFE_NO_PAD.encode(token))
        }
    }));
    offered
}

/// The place that a frame tells, when it is of the kind that a server sends for [`PLACED`].
pub fn place(frame: &str) -> Option<i64> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Place {
        place: i64,
    }
    if !frame.starts_with("{\"place\"") {
        return None; // Nearly every frame.
    }
    serde_json::from_str::<Place>(frame).ok().map(|place| place.place)
}

/// Whether a character of a header's token, which is what a subprotocol is.
fn may_be_told(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_told_as_it_is_where_it_can_be() {
        let told = |token| offered(Some(token)).pop().expect("a token");
        assert_eq!(told("orc_0123abc"), "bearer.orc_0123abc");
        assert_eq!(told("a/b="), "bearer64.YS9iPQ");
        assert_eq!(told("a, b"), "bearer64.YSwgYg");
        assert_eq!(told("ü"), "bearer64.w7w");
        assert_eq!(offered(None), ["orchestrator.place", "orchestrator"]);
    }

    #[test]
    fn a_place_is_told_from_an_event() {
        assert_eq!(place(r#"{"place":17}"#), Some(17));
        assert_eq!(place(r#"{"place":17,"seq":3}"#), None);
        assert_eq!(
            place(r#"{"seq":3,"at":"2026-11-23T10:00:00Z","type":"task_state"}"#),
            None
        );
        assert_eq!(place("no JSON"), None);
    }
}

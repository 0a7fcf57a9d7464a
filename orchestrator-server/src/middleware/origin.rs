//! Which pages a request may come from.
//!
//! A browser lets every page send WebSockets and simple requests anywhere, to this machine too, and says whose page it is.

use poem::http::{HeaderMap, Uri, header};

/// Whether a request comes from no page, from one of this server, or from one that may call it.
///
/// The `host` is where it was sent, as its sender says.
pub(super) fn may_call(headers: &HeaderMap, host: Option<&str>, allowed: &[String]) -> bool {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &poem::http::HeaderValue| value.to_str().ok())
    };
    if !headers.contains_key(header::ORIGIN) {
        return true;
    }
    let Some(origin) = text(header::ORIGIN) else {
        return false;
    };
    if allowed.iter().any(|known| known == "*" || known == origin) {
        return true;
    }
    // `null`, which a page without an origin says, is no address.
    let own = origin.parse::<Uri>().ok().and_then(|uri| uri.authority().cloned());
    own.is_some_and(|own| host.is_some_and(|host| own.as_str().eq_ignore_ascii_case(host)))
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;

    use super::*;

    #[test]
    fn pages_from_elsewhere_may_not_call() {
        let asked = |origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_str(origin).expect("a header"));
            }
            headers
        };
        let host = Some("127.0.0.1:8080");
        let allowed = ["https://tools.example".to_owned()];
        for (origin, may) in [
            (None, true),
            (Some("http://127.0.0.1:8080"), true),
            (Some("https://tools.example"), true),
            (Some("http://127.0.0.1:8081"), false),
            (Some("https://elsewhere.example"), false),
            (Some("https://tools.example.elsewhere.example"), false),
            (Some("null"), false),
            (Some(""), false),
        ] {
            assert_eq!(may_call(&asked(origin), host, &allowed), may, "{origin:?}");
        }
        assert!(may_call(
            &asked(Some("https://elsewhere.example")),
            host,
            &["*".to_owned()]
        ));
    }
}

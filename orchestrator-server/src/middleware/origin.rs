//! Which pages a request may come from.
//!
//! A browser lets every page send WebSockets and simple requests anywhere, to this machine too, and says whose page it is.

use std::net::IpAddr;

use poem::http::{HeaderMap, Uri, header, uri::Authority};

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

/// Whether a request was sent to a name that nobody else can give this machine: its address, `localhost`, or the name of
/// a page that may call.
///
/// Whoever owns a name can have it lead here once his page is loaded (DNS rebinding): for the browser that page is then
/// one of this server.
pub(super) fn is_own_name(host: Option<&str>, allowed: &[String]) -> bool {
    // Every browser names one.
    let Some(host) = host else { return true };
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    let name = authority.host().trim_end_matches('.').to_ascii_lowercase();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    let of_origin = |origin: &String| {
        let known = origin.parse::<Uri>().ok();
        origin == "*" || known.is_some_and(|uri| uri.host().is_some_and(|host| host.eq_ignore_ascii_case(&name)))
    };
    address.parse::<IpAddr>().is_ok()
        || name == "localhost"
        || name.ends_with(".localhost")
        || allowed.iter().any(of_origin)
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

    #[test]
    fn names_that_others_can_have_lead_here_are_refused() {
        let allowed = ["https://tools.example:8443".to_owned()];
        for (host, is_own) in [
            (None, true),
            (Some("127.0.0.1:8080"), true),
            (Some("[::1]:8080"), true),
            (Some("192.0.2.7"), true),
            (Some("localhost:8080"), true),
            (Some("LocalHost."), true),
            (Some("agents.localhost:8080"), true),
            (Some("tools.example"), true),
            (Some("Tools.Example:8443"), true),
            (Some("elsewhere.example:8080"), false),
            (Some("localhost.elsewhere.example"), false),
            (Some("127.0.0.1.elsewhere.example"), false),
            (Some("127.0.0.1@elsewhere.example"), false),
            (Some("notlocalhost"), false),
            (Some("a b"), false),
            (Some(""), false),
        ] {
            assert_eq!(is_own_name(host, &allowed), is_own, "{host:?}");
        }
        assert!(is_own_name(Some("elsewhere.example"), &["*".to_owned()]));
    }
}

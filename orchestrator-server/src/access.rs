//! Who may call what: one table, read before any route is.

use orchestrator_protocol::Role;
use poem::http::Method;

/// What a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing: it tells nobody anything.
    Nothing,
    /// A token, whatever its roles.
    Token,
    /// A token with this role, or an admin's.
    Role(Role),
}

/// What a call of an address by a method needs.
pub(crate) fn need(method: &Method, path: &str) -> Need {
    let Some(path) = path.strip_prefix("/api/v1/") else {
        return if path.trim_end_matches('/') == "/metrics" {
            Need::Token
        } else {
            Need::Nothing
        };
    };
    let mut parts = path.trim_end_matches('/').split('/');
    let (area, last) = (parts.next().unwrap_or_default(), parts.next_back().unwrap_or_default());
    let reads = matches!(*method, Method::GET | Method::HEAD);
    match (area, reads) {
        ("tokens", _) => Need::Role(Role::Admin),
        ("worker", _) => Need::Role(Role::Worker),
        (_, true) => Need::Token,
        ("tasks", _) if last == "decision" => Need::Role(Role::Reviewer),
        ("tasks" | "schedules", _) => Need::Role(Role::Submitter),
        // Workers, limits, queues, and whatever comes and is not said here.
        _ => Need::Role(Role::Admin),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table() {
        let task = "/api/v1/tasks/0190c9a2-0000-7000-8000-000000000000";
        let role = |role| Need::Role(role);
        let cases = [
            (Method::GET, "/healthz".to_owned(), Need::Nothing),
            (Method::GET, "/docs".to_owned(), Need::Nothing),
            (Method::GET, "/metrics".to_owned(), Need::Token),
            (Method::GET, "/api/v1/tasks".to_owned(), Need::Token),
            (Method::GET, format!("{task}/logs"), Need::Token),
            (Method::GET, "/api/v1/events".to_owned(), Need::Token),
            (Method::POST, "/api/v1/tasks".to_owned(), role(Role::Submitter)),
            (Method::POST, "/api/v1/tasks/batch".to_owned(), role(Role::Submitter)),
            (Method::POST, format!("{task}/cancel"), role(Role::Submitter)),
            (Method::POST, format!("{task}/complete"), role(Role::Submitter)),
            (Method::POST, format!("{task}/decision"), role(Role::Reviewer)),
            (Method::POST, format!("{task}/decision/"), role(Role::Reviewer)),
            (Method::POST, "/api/v1/schedules".to_owned(), role(Role::Submitter)),
            (Method::DELETE, "/api/v1/schedules/x".to_owned(), role(Role::Submitter)),
            (Method::PUT, "/api/v1/limits/provider:x".to_owned(), role(Role::Admin)),
            (Method::POST, "/api/v1/workers/x/drain".to_owned(), role(Role::Admin)),
            (Method::GET, "/api/v1/tokens".to_owned(), role(Role::Admin)),
            (Method::GET, "/api/v1/worker".to_owned(), role(Role::Worker)),
            (Method::POST, "/api/v1/worker/claim".to_owned(), role(Role::Worker)),
            (Method::PATCH, "/api/v1/what/comes/next".to_owned(), role(Role::Admin)),
        ];
        for (method, path, expected) in cases {
            assert_eq!(need(&method, &path), expected, "{method} {path}");
        }
    }
}

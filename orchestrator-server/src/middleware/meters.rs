//! How many requests there were of each kind, and how long they took.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use metrics::{Counter, Histogram, counter, histogram};
use poem::http::{Method, StatusCode};

/// The method, the route (none: there is nothing at the address) and the status.
type Kind = (Method, Option<Arc<str>>, StatusCode);

/// The meters of all kinds that were seen. To look one up by its labels, as texts, would cost as much as the rest of a
/// small request. There are as many as routes, times the few methods and statuses that each answers with.
#[derive(Default)]
pub(super) struct Meters(RwLock<HashMap<Kind, (Counter, Histogram)>>);

impl Meters {
    /// Counts a request.
    pub(super) fn count(&self, method: &Method, route: Option<&Arc<str>>, status: StatusCode, took: Duration) {
        let kind = (method.clone(), route.cloned(), status);
        let seconds = took.as_secs_f64();
        {
            let seen = self.0.read().unwrap_or_else(PoisonError::into_inner);
            if let Some((requests, durations)) = seen.get(&kind) {
                requests.increment(1);
                durations.record(seconds);
                return;
            }
        }
        let (requests, durations) = meters(&kind);
        requests.increment(1);
        durations.record(seconds);
        // A method may be any word: those that nobody answers are counted, and not remembered.
        if status != StatusCode::METHOD_NOT_ALLOWED && route.is_some() {
            let mut seen = self.0.write().unwrap_or_else(PoisonError::into_inner);
            seen.insert(kind, (requests, durations));
        }
    }
}

fn meters((method, route, status): &Kind) -> (Counter, Histogram) {
    let route = route.as_deref().unwrap_or("none").to_owned();
    let requests = counter!("http_requests_total", "method" => method.to_string(), "route" => route.clone(),
        "status" => status.as_u16().to_string());
    let durations = histogram!("http_request_duration_seconds", "method" => method.to_string(), "route" => route);
    (requests, durations)
}

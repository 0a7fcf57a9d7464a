//! The one place that reads clocks: everything else gets the time as an argument.

use orchestrator_protocol::Timestamp;

/// The time.
#[expect(clippy::disallowed_methods, reason = "the app's clock")]
pub fn now() -> Timestamp {
    jiff::Timestamp::now().into()
}

/// The time zone in which times are shown.
pub fn zone() -> jiff::tz::TimeZone {
    jiff::tz::TimeZone::system()
}

//! The one place that reads clocks and sets timers: everything else gets the time as an argument.

use std::time::Duration;

use iced::Subscription;
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

/// Says every so often that the time has come, first after that time.
pub fn every(period: Duration) -> Subscription<()> {
    timer::every(period)
}

#[cfg(not(target_family = "wasm"))]
mod timer {
    use super::{Duration, Subscription};

    pub(super) fn every(period: Duration) -> Subscription<()> {
        iced::time::every(period).map(drop)
    }
}

/// The page's own timers: those that the toolkit has in browsers stop for good when they come and go quickly.
#[cfg(target_family = "wasm")]
mod timer {
    use gloo_timers::future::IntervalStream;

    use super::{Duration, Subscription};

    pub(super) fn every(period: Duration) -> Subscription<()> {
        let period = u32::try_from(period.as_millis()).unwrap_or(u32::MAX);
        Subscription::run_with(period, |period| IntervalStream::new(*period))
    }
}

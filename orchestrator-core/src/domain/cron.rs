//! When a schedule fires.

use std::time::Duration;

use croner::{
    Cron,
    parser::{CronParser, Seconds},
};
use jiff::tz::TimeZone;
use orchestrator_protocol::{Timestamp, Timing};

/// The shortest interval between two firings.
pub const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// Whether a timing makes sense and fires at all; if not, why.
pub fn validate(timing: &Timing) -> Result<(), String> {
    match timing {
        Timing::Cron { expression, time_zone } => {
            let cron = parse(expression)?;
            let zone = zone(time_zone)?;
            let start = jiff::Timestamp::UNIX_EPOCH.to_zoned(zone);
            cron.find_next_occurrence(&start, false)
                .map(|_| ())
                .map_err(|_| format!("`{expression}` never fires"))
        }
        Timing::EveryS(seconds) => interval(*seconds).map(|_| ()),
    }
}

/// The first moment after `after` at which a schedule fires that began at `start`; none when it never fires again.
///
/// Cron expressions are read in their time zone: a time that the change to summer time skips fires at the first moment
/// after the gap, and one that comes twice fires once. Intervals are counted from `start`.
pub fn next_after(timing: &Timing, start: Timestamp, after: Timestamp) -> Option<Timestamp> {
    match timing {
        Timing::Cron { expression, time_zone } => {
            let cron = parse(expression).ok()?;
            let from = jiff::Timestamp::from(after).to_zoned(zone(time_zone).ok()?);
            let next = cron.find_next_occurrence(&from, false).ok()?.timestamp();
            Some(Timestamp::from(next)).filter(|next| *next > after)
        }
        Timing::EveryS(seconds) => {
            let every = i64::try_from(interval(*seconds).ok()?.as_micros()).ok()?;
            let passed = after.as_micros().saturating_sub(start.as_micros());
            let firings = if passed < 0 { 0 } else { passed / every + 1 };
            let next = start.as_micros().checked_add(firings.checked_mul(every)?)?;
            Some(Timestamp::from_micros(next)).filter(|next| *next > after)
        }
    }
}

fn parse(expression: &str) -> Result<Cron, String> {
    CronParser::builder()
        .seconds(Seconds::Optional)
        .build()
        .parse(expression)
        .map_err(|error| format!("`{expression}` is not a cron expression: {error}"))
}

fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| format!("`{name}` is not a time zone; names look like Europe/Paris or UTC"))
}

fn interval(seconds: f64) -> Result<Duration, String> {
    let every = Duration::try_from_secs_f64(seconds).map_err(|_| format!("{seconds} is not a number of seconds"))?;
    if every < MIN_INTERVAL {
        return Err(format!(
            "every {seconds} seconds is too often; at least {} apart",
            MIN_INTERVAL.as_secs()
        ));
    }
    Ok(every)
}

#[cfg(test)]
mod tests;

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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn cron(expression: &str, zone: &str) -> Timing {
        Timing::Cron {
            expression: expression.into(),
            time_zone: zone.into(),
        }
    }

    #[test]
    fn weekdays_at_nine() {
        let timing = cron("0 9 * * MON-FRI", "UTC");
        let friday = at("2026-11-20T09:00:00Z");
        assert_eq!(next_after(&timing, friday, friday), Some(at("2026-11-23T09:00:00Z")));
    }

    #[test]
    fn summer_time_neither_skips_nor_repeats_a_day() {
        let timing = cron("30 2 * * *", "Europe/Paris");
        let mut now = at("2026-03-27T12:00:00Z");
        let mut days = Vec::new();
        for _ in 0..4 {
            now = next_after(&timing, now, now).unwrap();
            days.push(now.to_string());
        }
        assert_eq!(days.len(), 4);
        assert!(days[1].starts_with("2026-03-29"), "{days:?}");
        let mut now = at("2026-10-24T12:00:00Z");
        let first = next_after(&timing, now, now).unwrap();
        now = first;
        let second = next_after(&timing, now, now).unwrap();
        assert!(second.since(first) >= Duration::from_hours(20), "{first} {second}");
    }

    #[test]
    fn nonsense_is_refused_in_words() {
        assert!(
            validate(&cron("0 9 * *", "UTC"))
                .unwrap_err()
                .contains("not a cron expression")
        );
        assert!(
            validate(&cron("0 9 * * *", "Mars/Olympus"))
                .unwrap_err()
                .contains("time zone")
        );
        assert!(validate(&cron("0 0 30 2 *", "UTC")).unwrap_err().contains("never"));
        assert!(validate(&Timing::EveryS(0.0)).is_err());
        assert!(validate(&Timing::EveryS(f64::NAN)).is_err());
        assert!(validate(&Timing::EveryS(1.0)).is_ok());
    }

    proptest! {
        #[test]
        fn intervals_stay_on_their_grid(seconds in 1..100_000_u32, start in 0..4_000_000_000_000_000_i64, later in 0..1_000_000_000_000_i64) {
            let (start, after) = (Timestamp::from_micros(start), Timestamp::from_micros(start + later));
            let next = next_after(&Timing::EveryS(f64::from(seconds)), start, after).unwrap();
            prop_assert!(next > after);
            prop_assert!(next.since(after) <= Duration::from_secs(u64::from(seconds)));
            prop_assert_eq!((next.as_micros() - start.as_micros()) % (i64::from(seconds) * 1_000_000), 0);
        }

        #[test]
        fn the_next_firing_is_later_and_fits(minute in 0..60_u8, hour in 0..24_u8, after in 0..4_000_000_000_000_000_i64) {
            let after = Timestamp::from_micros(after);
            let next = next_after(&cron(&format!("{minute} {hour} * * *"), "UTC"), after, after).unwrap();
            prop_assert!(next > after);
            let zoned = jiff::Timestamp::from(next).to_zoned(TimeZone::UTC);
            prop_assert_eq!((zoned.minute(), zoned.hour(), zoned.second()), (minute as i8, hour as i8, 0));
        }
    }
}

use jiff::civil::Weekday;
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

/// The next firings after a moment.
fn firings(timing: &Timing, after: &str, count: usize) -> Vec<String> {
    let mut now = at(after);
    let mut found = Vec::new();
    for _ in 0..count {
        let Some(next) = next_after(timing, now, now) else {
            break;
        };
        found.push(next.to_string());
        now = next;
    }
    found
}

#[test]
fn weekdays_at_nine() {
    let timing = cron("0 9 * * MON-FRI", "UTC");
    let friday = at("2026-11-20T09:00:00Z");
    assert_eq!(next_after(&timing, friday, friday), Some(at("2026-11-23T09:00:00Z")));
}

#[test]
fn seconds_may_be_said() {
    assert_eq!(
        firings(&cron("*/20 * * * * *", "UTC"), "2026-01-01T00:00:05.5Z", 3),
        ["2026-01-01T00:00:20Z", "2026-01-01T00:00:40Z", "2026-01-01T00:01:00Z"]
    );
}

#[test]
fn a_time_that_is_skipped_fires_after_the_gap() {
    // On 2026-03-29 clocks in Paris go from 02:00 to 03:00.
    assert_eq!(
        firings(&cron("30 2 * * *", "Europe/Paris"), "2026-03-27T12:00:00Z", 4),
        [
            "2026-03-28T01:30:00Z",
            "2026-03-29T01:00:00Z",
            "2026-03-30T00:30:00Z",
            "2026-03-31T00:30:00Z"
        ]
    );
}

#[test]
fn a_time_that_comes_twice_fires_once() {
    // On 2026-10-25 clocks in Paris go from 03:00 back to 02:00.
    assert_eq!(
        firings(&cron("30 2 * * *", "Europe/Paris"), "2026-10-23T12:00:00Z", 4),
        [
            "2026-10-24T00:30:00Z",
            "2026-10-25T00:30:00Z",
            "2026-10-26T01:30:00Z",
            "2026-10-27T01:30:00Z"
        ]
    );
}

#[test]
fn every_half_hour_goes_on_through_both_changes() {
    for after in ["2026-03-28T23:00:00Z", "2026-10-24T22:00:00Z"] {
        let timing = cron("*/30 * * * *", "Europe/Paris");
        let mut now = at(after);
        for _ in 0..12 {
            let next = next_after(&timing, now, now).unwrap();
            assert_eq!(next.since(now), Duration::from_mins(30), "after {now}");
            now = next;
        }
    }
}

#[test]
fn nonsense_is_refused_in_words() {
    let refusal = |timing| validate(&timing).unwrap_err();
    assert!(refusal(cron("0 9 * *", "UTC")).contains("not a cron expression"));
    assert!(refusal(cron("", "UTC")).contains("not a cron expression"));
    assert!(refusal(cron("0 9 * * *", "Mars/Olympus")).contains("time zone"));
    assert!(refusal(cron("0 0 30 2 *", "UTC")).contains("never"));
    for seconds in [0.0, 0.5, -1.0, f64::NAN, f64::INFINITY] {
        assert!(validate(&Timing::EveryS(seconds)).is_err(), "{seconds}");
    }
    assert!(validate(&Timing::EveryS(1.0)).is_ok());
}

#[test]
fn leap_days_are_found() {
    assert_eq!(
        firings(&cron("0 0 29 2 *", "UTC"), "2026-01-01T00:00:00Z", 2),
        ["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]
    );
}

#[test]
fn the_end_of_time_is_no_firing() {
    let end = Timestamp::MAX;
    assert_eq!(next_after(&cron("* * * * *", "UTC"), end, end), None);
    assert_eq!(next_after(&Timing::EveryS(60.0), end, end), None);
}

/// Zones with summer time in either half of the year, odd offsets, and a change of half an hour.
const ZONES: [&str; 6] = [
    "UTC",
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Santiago",
];

/// From 1990 to 2060.
fn moments() -> impl Strategy<Value = Timestamp> {
    (631_152_000_000_000_i64..2_840_140_800_000_000).prop_map(Timestamp::from_micros)
}

fn zones() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(&ZONES[..])
}

/// A step of minutes, an hour or any, and a weekday or any.
fn expressions() -> impl Strategy<Value = String> {
    let minute = prop_oneof![
        (0..60_u8).prop_map(|m| m.to_string()),
        (2..31_u8).prop_map(|m| format!("*/{m}")),
    ];
    let hour = prop_oneof![Just("*".to_owned()), (0..24_u8).prop_map(|h| h.to_string())];
    let weekday = prop_oneof![Just("*".to_owned()), (0..7_u8).prop_map(|d| d.to_string())];
    (minute, hour, weekday).prop_map(|(minute, hour, weekday)| format!("{minute} {hour} * * {weekday}"))
}

/// Whether the wall clock of a moment is as a field says.
fn fits(field: &str, value: i8) -> bool {
    match field.strip_prefix("*/") {
        _ if field == "*" => true,
        Some(step) => value % step.parse::<i8>().unwrap() == 0,
        None => field.parse() == Ok(value),
    }
}

fn matches(expression: &str, moment: Timestamp, zone: &str) -> bool {
    let wall = jiff::Timestamp::from(moment).to_zoned(TimeZone::get(zone).unwrap());
    let fields: Vec<&str> = expression.split(' ').collect();
    wall.second() == 0
        && wall.subsec_nanosecond() == 0
        && fits(fields[0], wall.minute())
        && fits(fields[1], wall.hour())
        && fits(fields[4], wall.weekday().since(Weekday::Sunday))
}

/// Whether clocks changed in the two hours before a moment, so that it may stand for one that was skipped.
fn after_gap(moment: Timestamp, zone: &str) -> bool {
    let zone = TimeZone::get(zone).unwrap();
    let offset = |t: Timestamp| zone.to_offset(t.into());
    offset(moment) != offset(moment.minus(Duration::from_hours(2)))
}

proptest! {
    #[test]
    fn intervals_stay_on_their_grid(
        seconds in 1..100_000_u32,
        start in 0..4_000_000_000_000_000_i64,
        later in 0..1_000_000_000_000_i64,
    ) {
        let (start, after) = (Timestamp::from_micros(start), Timestamp::from_micros(start + later));
        let next = next_after(&Timing::EveryS(f64::from(seconds)), start, after).unwrap();
        prop_assert!(next > after);
        prop_assert!(next.since(after) <= Duration::from_secs(u64::from(seconds)));
        prop_assert_eq!((next.as_micros() - start.as_micros()) % (i64::from(seconds) * 1_000_000), 0);
    }

    #[test]
    fn a_firing_is_later_and_as_the_fields_say(expression in expressions(), zone in zones(), after in moments()) {
        let next = next_after(&cron(&expression, zone), after, after).unwrap();
        prop_assert!(next > after);
        prop_assert!(
            matches(&expression, next, zone) || after_gap(next, zone),
            "{expression} in {zone} after {after} fires at {next}"
        );
    }

    #[test]
    fn later_never_fires_earlier(
        expression in expressions(),
        zone in zones(),
        after in moments(),
        later in 0..10_000_000_000_i64,
    ) {
        let timing = cron(&expression, zone);
        let first = next_after(&timing, after, after).unwrap();
        let later = Timestamp::from_micros(after.as_micros() + later);
        let second = next_after(&timing, later, later).unwrap();
        prop_assert!(first <= second, "{expression} in {zone}: {first} after {after}, {second} after {later}");
    }

    #[test]
    fn no_minute_is_left_out(minute in 2..31_u8, zone in zones(), after in moments()) {
        let expression = format!("*/{minute} * * * *");
        let next = next_after(&cron(&expression, zone), after, after).unwrap();
        let mut between = Timestamp::from_micros(after.as_micros() / 60_000_000 * 60_000_000 + 60_000_000);
        while between < next {
            prop_assert!(!matches(&expression, between, zone), "{expression} in {zone} leaves out {between}");
            between = between.plus(Duration::from_mins(1));
        }
    }

    #[test]
    fn whatever_is_written_never_panics(text in "[0-9*/,#LW ?-]{0,20}", after in moments()) {
        let timing = cron(&text, "Europe/Paris");
        if validate(&timing).is_ok() && let Some(next) = next_after(&timing, after, after) {
            prop_assert!(next > after);
        }
    }
}

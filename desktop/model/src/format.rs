//! Numbers, times and amounts for people, without a language: `3 m 20 s`, `12.4k`, `$0.031`, `2026-11-28 02:40`.

use std::time::Duration;

use orchestrator_protocol::{TaskId, Timestamp, Usd};

/// A duration in its two largest units: `850 ms`, `12.3 s`, `3 m 20 s`, `2 h 5 m`, `4 d 3 h`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        1..=59 => format!("{:.1} s", (duration.as_secs_f64() * 10.0).floor() / 10.0),
        60..=3599 => two(seconds, 60, "m", "s"),
        3600..=86_399 => two(seconds / 60, 60, "h", "m"),
        _ => two(seconds / 3600, 24, "d", "h"),
    }
}

fn two(value: u64, base: u64, large: &str, small: &str) -> String {
    match value % base {
        0 => format!("{} {large}", value / base),
        rest => format!("{} {large} {rest} {small}", value / base),
    }
}

/// Seconds as the API gives them.
pub fn seconds(seconds: f64) -> String {
    duration(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

/// How long ago something was: `now`, `12 s ago`, `3 m ago`, `2 h ago`, `5 d ago`.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.since(then).as_secs();
    match seconds {
        0..=4 => "now".to_owned(),
        5..=59 => format!("{seconds} s ago"),
        60..=3599 => format!("{} m ago", seconds / 60),
        3600..=86_399 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// A moment in the given time zone: `2026-11-28 02:40:05`.
pub fn moment(at: Timestamp, zone: &jiff::tz::TimeZone) -> String {
    let at = jiff::Timestamp::from(at).to_zoned(zone.clone());
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The time of day in the given time zone: `02:40:05`.
pub fn time_of_day(at: Timestamp, zone: &jiff::tz::TimeZone) -> String {
    let at = jiff::Timestamp::from(at).to_zoned(zone.clone());
    at.strftime("%H:%M:%S").to_string()
}

/// A count: `950`, `12.4k`, `3.1M`, `2.0G`.
pub fn count(n: u64) -> String {
    let (value, unit) = match n {
        0..=9_999 => return n.to_string(),
        10_000..=999_949 => (n as f64 / 1e3, "k"),
        999_950..=999_949_999 => (n as f64 / 1e6, "M"),
        _ => (n as f64 / 1e9, "G"),
    };
    format!("{value:.1}{unit}")
}

/// An amount of money with as many places as tell something: `$0`, `$0.0031`, `$0.42`, `$12.30`.
pub fn money(amount: Usd) -> String {
    let dollars = amount.as_dollars();
    match dollars.abs() {
        0.0 => "$0".to_owned(),
        x if x < 0.01 => format!("${dollars:.4}"),
        x if x < 1.0 => format!("${dollars:.3}"),
        x if x < 1000.0 => format!("${dollars:.2}"),
        _ => format!("${dollars:.0}"),
    }
}

/// Bytes: `512 B`, `3.4 KB`, `10.0 MB`.
pub fn bytes(n: u64) -> String {
    match n {
        0..=999 => format!("{n} B"),
        1_000..=999_949 => format!("{:.1} KB", n as f64 / 1e3),
        999_950..=999_949_999 => format!("{:.1} MB", n as f64 / 1e6),
        _ => format!("{:.1} GB", n as f64 / 1e9),
    }
}

/// The end of an id, which is what differs: ids begin with the time.
pub fn short_id(id: TaskId) -> String {
    let text = id.to_string();
    text[text.len() - 8..].to_owned()
}

/// The first line of a text, cut after so many characters.
pub fn first_line(text: &str, most: usize) -> String {
    let line = text.trim().lines().next().unwrap_or_default().trim();
    let line = line.trim_start_matches('#').trim_start();
    clip(line, most)
}

/// A text cut after so many characters.
pub fn clip(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", text[..at].trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (millis, text) in [
            (0, "0 ms"),
            (850, "850 ms"),
            (1_000, "1.0 s"),
            (59_990, "59.9 s"),
            (60_000, "1 m"),
            (200_000, "3 m 20 s"),
            (7_500_000, "2 h 5 m"),
            (356_400_000, "4 d 3 h"),
        ] {
            assert_eq!(duration(Duration::from_millis(millis)), text);
        }
        assert_eq!(seconds(f64::NAN), "0 ms");
        assert_eq!(seconds(-1.0), "0 ms");
    }

    #[test]
    fn amounts() {
        for (dollars, text) in [
            (0.0, "$0"),
            (0.0031, "$0.0031"),
            (0.42, "$0.420"),
            (12.3, "$12.30"),
            (1234.5, "$1234"),
        ] {
            assert_eq!(money(Usd::from_dollars(dollars)), text);
        }
        for (n, text) in [
            (9_999, "9999"),
            (12_400, "12.4k"),
            (999_960, "1.0M"),
            (2_000_000_000, "2.0G"),
        ] {
            assert_eq!(count(n), text);
        }
        assert_eq!(bytes(10_000_000), "10.0 MB");
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(first_line("\n# راجع 🚀 هذا\nmore", 6), "راجع 🚀…");
        assert_eq!(first_line("", 5), "");
        assert_eq!(clip("abc", 3), "abc");
    }
}

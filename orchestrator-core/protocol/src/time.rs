//! Moments, to the microsecond.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A text that is not an RFC 3339 time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a time like 2026-01-31T12:00:00Z")]
pub struct TimestampError {
    /// What was given.
    pub text: String,
}

/// A moment in UTC, with microsecond precision on every store and on the wire.
///
/// ```
/// use orchestrator_protocol::Timestamp;
///
/// let t: Timestamp = "2026-11-23T10:00:00.123456Z".parse()?;
/// assert_eq!(t.to_string(), "2026-11-23T10:00:00.123456Z");
/// # Ok::<(), orchestrator_protocol::TimestampError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The last whole second that can be printed in every time zone: 26 hours before the end of the year 9999.
const MAX_MICROS: i64 = 253_402_207_200_000_000;

impl Timestamp {
    /// The first moment of 1970.
    pub const EPOCH: Self = Self(0);
    /// The last moment that can be written.
    ///
    /// ```
    /// use orchestrator_protocol::Timestamp;
    ///
    /// assert_eq!(Timestamp::MAX.to_string().parse(), Ok(Timestamp::MAX));
    /// ```
    pub const MAX: Self = Self(MAX_MICROS);

    /// The moment so many microseconds after 1970 began; moments beyond the year 9999 become [`Timestamp::MAX`], those
    /// before 1970 [`Timestamp::EPOCH`].
    pub const fn from_micros(micros: i64) -> Self {
        if micros > MAX_MICROS {
            Self::MAX
        } else if micros < 0 {
            Self::EPOCH
        } else {
            Self(micros)
        }
    }

    /// Microseconds since 1970 began.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// This moment and a duration; stops at [`Timestamp::MAX`].
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(MAX_MICROS);
        Self::from_micros(self.0.saturating_add(micros))
    }

    /// This moment less a duration; stops at [`Timestamp::EPOCH`].
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(MAX_MICROS);
        Self::from_micros(self.0.saturating_sub(micros))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(t) => fmt::Display::fmt(&t, f),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        text.trim()
            .parse::<jiff::Timestamp>()
            .map(|t| Self::from_micros(t.as_microsecond()))
            .map_err(|_| TimestampError { text: text.to_owned() })
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(t: jiff::Timestamp) -> Self {
        Self::from_micros(t.as_microsecond())
    }
}

impl From<Timestamp> for jiff::Timestamp {
    fn from(t: Timestamp) -> Self {
        // Every value is within 1970..=9999, which jiff covers.
        Self::from_microsecond(t.0).unwrap_or(Self::MAX)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

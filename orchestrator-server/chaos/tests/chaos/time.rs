//! What time it is, and how long a test waits.

use std::time::Duration;

use orchestrator_protocol::Timestamp;

/// What is waited for at most before it counts as hung. Machines that are busy are slow.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// How long what can go on for any time is to go on: `ORCHESTRATOR_CHAOS_SECONDS`. None: as short as it may be.
pub fn long() -> Duration {
    let seconds = std::env::var("ORCHESTRATOR_CHAOS_SECONDS").ok();
    let seconds = seconds.map(|seconds| seconds.parse().expect("ORCHESTRATOR_CHAOS_SECONDS is a number"));
    Duration::from_secs(seconds.unwrap_or(0))
}

/// Now, by the clock that the servers and the witnesses go by too: all of them are on this machine.
#[expect(
    clippy::disallowed_methods,
    reason = "other processes go by the clock of the machine"
)]
pub fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let micros = since.map_or(0, |since| since.as_micros());
    Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
}

/// Returns once a condition holds; fails when that takes too long.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, found).await;
    found.unwrap_or_else(|_| panic!("it never came to be that {what}"))
}

//! x
use orchestrator_protocol::{Timestamp, Timing};
/// x
pub fn next_after(_t: &Timing, _c: Timestamp, _a: Timestamp) -> Option<Timestamp> {
    None
}

//! What people and the system say to a running command: Ctrl-C, a polite kill, a closed terminal.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::Failure;

/// The number of the signal that a closed terminal sends.
const HANGUP: u32 = 1;

/// The number of the signal for a file that has reached the size that a process may write (`ulimit -f`).
const FILE_TOO_LARGE: i32 = 25;

/// Lets a file that may not grow any more be an error of the write, which is told, instead of the end of the program.
pub fn survive_size_limits() {
    // Once there is a handler it stays. Without one the program ends as the system wants it.
    drop(signal(SignalKind::from_raw(FILE_TOO_LARGE)));
}

/// Hears interrupts as long as it lives.
pub struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Option<Signal>,
}

impl Interrupts {
    /// Begins to listen: from now on an interrupt does not end the program by itself.
    pub fn listen() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(|e| Failure::unavailable(format!("no signals can be heard: {e}")));
        // Under `nohup` a closed terminal is to be ignored; listening would undo that.
        let ignored = is_ignored(HANGUP, std::fs::read_to_string("/proc/self/status").ok().as_deref());
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: if ignored {
                None
            } else {
                Some(listen(SignalKind::hangup())?)
            },
        })
    }

    /// The next interrupt.
    ///
    /// # Cancel safety
    ///
    /// No interrupt is lost when the future is dropped.
    pub async fn next(&mut self) {
        let hung_up = async {
            match &mut self.hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hung_up => {}
        }
    }
}

/// Whether a process ignores a signal, by what the kernel says of it; where it says nothing it counts as ignored.
fn is_ignored(signal: u32, status: Option<&str>) -> bool {
    let mask = status
        .and_then(|text| text.lines().find_map(|line| line.strip_prefix("SigIgn:")))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask & (1 << (signal - 1)) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nohup_is_respected() {
        assert!(is_ignored(HANGUP, Some("Name:\tx\nSigIgn:\t0000000000001001\n")));
        assert!(!is_ignored(HANGUP, Some("SigIgn:\t0000000000001000\n")));
        assert!(is_ignored(HANGUP, None));
    }
}

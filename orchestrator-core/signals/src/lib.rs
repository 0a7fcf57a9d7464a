//! How the system and people tell a program to stop: Ctrl-C, a polite kill, a closed terminal.

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The number of the signal that a closed terminal sends.
#[cfg(unix)]
const HANGUP: u32 = 1;

/// The number of the signal for a file that has reached the size that a process may write (`ulimit -f`).
#[cfg(unix)]
const FILE_TOO_LARGE: i32 = 25;

/// Lets a file that may not grow any more be an error of the write, which is told, instead of the end of the program.
///
/// # Panics
///
/// Outside of a tokio runtime.
#[cfg(unix)]
pub fn survive_size_limits() {
    // Once there is a handler it stays. Without one the program ends as the system wants it.
    drop(signal(SignalKind::from_raw(FILE_TOO_LARGE)));
}

/// Hears those who ask the program to stop, as long as it lives.
pub struct Signals {
    #[cfg(unix)]
    interrupt: Signal,
    #[cfg(unix)]
    terminate: Signal,
    /// A terminal that was closed would end the program where it is, and leave behind what it has started. None under
    /// `nohup`, which listening would undo.
    #[cfg(unix)]
    hang_up: Option<Signal>,
}

impl Signals {
    /// Begins to listen: from now on none of them ends the program by itself. So it comes before the program says that
    /// it is there.
    ///
    /// # Errors
    ///
    /// When the system takes no more handlers.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn listen() -> std::io::Result<Self> {
        #[cfg(unix)]
        {
            let ignored = is_ignored(HANGUP, std::fs::read_to_string("/proc/self/status").ok().as_deref());
            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
                hang_up: if ignored {
                    None
                } else {
                    Some(signal(SignalKind::hangup())?)
                },
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Returns when someone asks, once each time.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        {
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
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Whether a process ignores a signal, by what the kernel says of it; where it says nothing it counts as ignored.
#[cfg(unix)]
fn is_ignored(signal: u32, status: Option<&str>) -> bool {
    let mask = status
        .and_then(|text| text.lines().find_map(|line| line.strip_prefix("SigIgn:")))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask & (1 << (signal - 1)) != 0)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn nohup_is_respected() {
        assert!(is_ignored(HANGUP, Some("Name:\tx\nSigIgn:\t0000000000001001\n")));
        assert!(!is_ignored(HANGUP, Some("SigIgn:\t0000000000001000\n")));
        assert!(is_ignored(HANGUP, None));
    }
}

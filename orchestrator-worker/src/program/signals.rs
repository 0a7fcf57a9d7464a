//! The signals that stop the program.

/// The number of the signal that a closed terminal sends.
#[cfg(unix)]
const HANGUP: u32 = 1;

/// Those who may ask the program to stop.
pub(super) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    /// A terminal that was closed would end the program where it is, and leave behind what agents have started. None
    /// under `nohup`, which listening would undo.
    #[cfg(unix)]
    hang_up: Option<tokio::signal::unix::Signal>,
}

impl Signals {
    pub(super) fn listen() -> std::io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let ignored = is_ignored(HANGUP, std::fs::read_to_string("/proc/self/status").ok().as_deref());
            Ok(Self {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
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
    pub(super) async fn next(&mut self) {
        #[cfg(unix)]
        {
            let hung_up = async {
                match &mut self.hang_up {
                    Some(signal) => signal.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = self.terminate.recv() => {}
                _ = self.interrupt.recv() => {}
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

//! What the machine gives at this moment. Two runs whose calibrations differ cannot be compared.

use std::fmt;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// Three things that queues are made of.
pub struct Calibration {
    /// A fixed loop on one core.
    pub cpu: Duration,
    /// Writing 8 kB and waiting until it is on the disk: the median of 100. Each durable commit pays it.
    pub sync: Duration,
    /// Waking another thread and being woken by it: the median of 1,000. Each call to a database connection pays it.
    pub wake: Duration,
}

impl Calibration {
    /// Takes about half a second.
    pub fn take(folder: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            cpu: cpu(),
            sync: sync(folder)?,
            wake: wake()?,
        })
    }
}

impl fmt::Display for Calibration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cpu loop {:.0?}, 8 kB + fdatasync {:.0?}, thread wake-up {:.1?}",
            self.cpu, self.sync, self.wake
        )
    }
}

fn cpu() -> Duration {
    let started = Instant::now();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for number in 0..100_000_000_u64 {
        hash = (hash ^ number).wrapping_mul(0x100_0000_01b3);
    }
    std::hint::black_box(hash);
    started.elapsed()
}

fn sync(folder: &Path) -> anyhow::Result<Duration> {
    let mut file = tempfile::tempfile_in(folder)?;
    let page = [0x5a_u8; 8192];
    let mut took = Vec::with_capacity(100);
    for number in 0..100_u64 {
        // A log that is written again from its start, as SQLite's is, keeps its size.
        file.seek(SeekFrom::Start(number % 20 * 8192))?;
        let started = Instant::now();
        file.write_all(&page)?;
        file.sync_data()?;
        took.push(started.elapsed());
    }
    Ok(median(took))
}

fn wake() -> anyhow::Result<Duration> {
    let (to, from_here) = std::sync::mpsc::sync_channel::<()>(1);
    let (back, from_there) = std::sync::mpsc::sync_channel::<()>(1);
    let other = std::thread::spawn(move || while from_here.recv().is_ok() && back.send(()).is_ok() {});
    let mut took = Vec::with_capacity(1000);
    for _ in 0..1000 {
        let started = Instant::now();
        to.send(())?;
        from_there.recv()?;
        took.push(started.elapsed() / 2);
    }
    drop(to);
    other.join().map_err(|_| anyhow::anyhow!("the other thread panicked"))?;
    Ok(median(took))
}

fn median(mut took: Vec<Duration>) -> Duration {
    took.sort_unstable();
    took[took.len() / 2]
}

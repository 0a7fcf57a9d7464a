//! How busy the machine is.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use orchestrator_core::worker::LoadProbe;
use orchestrator_protocol::Load;
use sysinfo::{CpuRefreshKind, DiskRefreshKind, Disks, MemoryRefreshKind, RefreshKind, System};

/// A probe that says how busy processors, memory, and the disk of this folder are. It reads a few files of the kernel
/// when it is asked, and nothing in between.
pub fn probe(folder: &Path) -> LoadProbe {
    let meter = Mutex::new(Meter::new(folder));
    LoadProbe::new(move || meter.lock().unwrap_or_else(PoisonError::into_inner).read())
}

struct Meter {
    system: System,
    disks: Disks,
    folder: PathBuf,
}

impl Meter {
    fn new(folder: &Path) -> Self {
        let kind = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing().with_cpu_usage())
            .with_memory(MemoryRefreshKind::nothing().with_ram());
        Self {
            system: System::new_with_specifics(kind),
            disks: Disks::new_with_refreshed_list_specifics(DiskRefreshKind::nothing().with_storage()),
            folder: folder.canonicalize().unwrap_or_else(|_| folder.to_owned()),
        }
    }

    fn read(&mut self) -> Load {
        self.system.refresh_cpu_usage();
        self.system
            .refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        self.disks
            .refresh_specifics(false, DiskRefreshKind::nothing().with_storage());
        let memory = percent(self.system.used_memory(), self.system.total_memory());
        // The disk that is mounted nearest to the folder.
        let disk = self
            .disks
            .iter()
            .filter(|disk| self.folder.starts_with(disk.mount_point()));
        let disk = disk.max_by_key(|disk| disk.mount_point().components().count());
        let used = disk.and_then(|disk| {
            let used = disk.total_space().saturating_sub(disk.available_space());
            percent(used, disk.total_space())
        });
        Load {
            cpu_percent: Some(rounded(f64::from(self.system.global_cpu_usage()))),
            memory_percent: memory,
            disk_percent: used,
        }
    }
}

fn percent(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| rounded(100.0 * part as f64 / whole as f64))
}

/// To a tenth: more would only be noise.
fn rounded(percent: f64) -> f64 {
    (percent * 10.0).round().clamp(0.0, 1000.0) / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_are_percentages() {
        let probe = probe(Path::new("."));
        for _ in 0..2 {
            let load = probe.now();
            for part in [load.cpu_percent, load.memory_percent] {
                assert!((0.0..=100.0).contains(&part.expect("a percentage")), "{load:?}");
            }
        }
        assert_eq!(percent(1, 0), None);
        assert_eq!(percent(1, 3), Some(33.3));
    }
}

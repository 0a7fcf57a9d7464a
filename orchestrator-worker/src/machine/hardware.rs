//! The machine's kind and size.

use std::{collections::BTreeSet, path::Path};

use sysinfo::{MemoryRefreshKind, RefreshKind, System};

/// `os:`, `arch:`, `cpu=`, `memory_gb=`, and `gpu` where there is one.
pub(super) fn labels() -> BTreeSet<String> {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let mut labels = BTreeSet::from([
        format!("os:{}", std::env::consts::OS),
        format!("arch:{}", std::env::consts::ARCH),
        format!("cpu={cpus}"),
        format!("memory_gb={}", memory_gb()),
    ]);
    if let Some(kind) = gpu() {
        labels.insert("gpu".to_owned());
        labels.insert(format!("gpu:{kind}"));
    }
    labels
}

/// Memory in whole gigabytes: the machine's, or what the container may use of it.
fn memory_gb() -> u64 {
    let system =
        System::new_with_specifics(RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram()));
    let limit = system.cgroup_limits().map(|limits| limits.total_memory);
    let bytes = limit
        .filter(|limit| *limit > 0)
        .unwrap_or(u64::MAX)
        .min(system.total_memory());
    // Machines that are sold with 16 GB show a little less.
    (bytes + (1 << 29)) >> 30
}

/// Which kind of GPU programs can use here.
fn gpu() -> Option<&'static str> {
    let devices = [
        ("/dev/nvidia0", "nvidia"),
        ("/dev/nvidiactl", "nvidia"),
        ("/dev/kfd", "amd"),
    ];
    let found = devices.into_iter().find(|(device, _)| Path::new(device).exists());
    let apple = cfg!(all(target_os = "macos", target_arch = "aarch64")).then_some("apple");
    found.map(|(_, kind)| kind).or(apple)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_a_size() {
        let labels = labels();
        let number = |name: &str| {
            let label = labels.iter().find_map(|label| label.strip_prefix(name));
            label.and_then(|number| number.parse::<u64>().ok()).expect(name)
        };
        assert!(number("cpu=") >= 1);
        assert!((1..100_000).contains(&number("memory_gb=")));
        assert!(labels.contains(&format!("os:{}", std::env::consts::OS)));
    }
}

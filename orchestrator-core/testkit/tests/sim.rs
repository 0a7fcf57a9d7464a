//! dev
use orchestrator_core::store::memory::MemoryStore;
use orchestrator_testkit::Simulation;
use std::sync::Arc;
#[test]
fn sim() {
    let get = |k: &str, d: u64| std::env::var(k).ok().and_then(|v| v.parse().ok()).unwrap_or(d);
    let from = get("FROM", 0);
    let n = get("N", 100);
    let stop = get("STOP", 1);
    let t = std::time::Instant::now();
    let (mut verbs, mut tasks, mut bad) = (0, 0, 0);
    for seed in from..from + n {
        let mut s = Simulation::new(seed);
        if n == 1 {
            s = s.telling();
        }
        match s.run(|| Arc::new(MemoryStore::new())) {
            Ok(p) => {
                verbs += p.verbs;
                tasks += p.tasks;
            }
            Err(f) => {
                eprintln!("{f}\n");
                bad += 1;
                if bad >= stop {
                    break;
                }
            }
        }
    }
    eprintln!("{n} seeds, {verbs} verbs, {tasks} tasks, {bad} bad, {:?}", t.elapsed());
    assert_eq!(bad, 0);
}

//! Who a worker is, over restarts.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
};

use orchestrator_core::clock::Sources;
use orchestrator_protocol::WorkerId;

/// How many workers of one machine find a place of their own.
const PLACES: usize = 1_000;

/// A worker's id, held by this process until it is dropped.
pub(super) struct Identity {
    pub(super) worker: WorkerId,
    /// Locked as long as the worker lives, so that two are never one.
    _file: Option<File>,
}

impl Identity {
    /// The id in a file. Without a named file, the first in the usual folder that no other process holds, so that each
    /// worker of a machine finds its own again. Where nothing can be kept, a new one.
    pub(super) fn take(named: Option<&Path>, sources: &Sources) -> Self {
        let taken = match named {
            Some(path) => hold(path, sources),
            None => first_free(sources),
        };
        match taken {
            Ok(Some(identity)) => identity,
            Ok(None) => {
                tracing::warn!("another process holds this worker's id: a new one is taken for this run");
                fresh(sources)
            }
            Err(why) => {
                tracing::warn!("the worker's id cannot be kept, a new one is taken for this run: {why}");
                fresh(sources)
            }
        }
    }
}

fn fresh(sources: &Sources) -> Identity {
    Identity {
        worker: sources.ids.worker(),
        _file: None,
    }
}

fn first_free(sources: &Sources) -> Result<Option<Identity>, String> {
    let folder = folder().ok_or("there is no home; name a file with --state")?;
    for n in 0..PLACES {
        if let Some(identity) = hold(&folder.join(format!("worker-{n}.id")), sources)? {
            return Ok(Some(identity));
        }
    }
    Ok(None)
}

fn folder() -> Option<PathBuf> {
    let variable = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let state = variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")));
    Some(state.or_else(|| variable("LOCALAPPDATA"))?.join("orchestrator"))
}

/// The id in a file, which gets a new one if it has none; none when another process holds it.
fn hold(path: &Path, sources: &Sources) -> Result<Option<Identity>, String> {
    let said = |error: std::io::Error| format!("{}: {error}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(said)?;
    }
    let mut options = OpenOptions::new();
    let mut file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(said)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => return Ok(None),
        Err(fs::TryLockError::Error(error)) => return Err(said(error)),
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(said)?;
    let worker = if let Ok(worker) = text.parse() {
        worker
    } else {
        let worker = sources.ids.worker();
        file.set_len(0).map_err(said)?;
        file.rewind().map_err(said)?;
        writeln!(file, "{worker}").map_err(said)?;
        file.sync_all().map_err(said)?;
        worker
    };
    Ok(Some(Identity {
        worker,
        _file: Some(file),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_stays_who_it_is_and_two_are_never_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep/worker.id");
        let sources = Sources::default();
        let first = Identity::take(Some(&path), &sources);
        let twin = Identity::take(Some(&path), &sources);
        assert_ne!(first.worker, twin.worker);
        let was = first.worker;
        drop(first);
        assert_eq!(Identity::take(Some(&path), &sources).worker, was);
        fs::write(&path, "not an id").expect("a file");
        let mended = Identity::take(Some(&path), &sources).worker;
        assert_eq!(Identity::take(Some(&path), &sources).worker, mended);
        // A folder in its place.
        let nowhere = Identity::take(Some(folder.path()), &sources);
        assert_ne!(nowhere.worker, mended);
    }
}

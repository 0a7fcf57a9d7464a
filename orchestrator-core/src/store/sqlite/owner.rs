//! Which processes share a database file, and which of them still live.
//!
//! Each process that writes holds a lock on a small file beside the database for as long as it lives; the operating
//! system takes the lock back however the process ends. So another one can tell at once that the sessions of a killed
//! process are over, without waiting for them to fall silent.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process,
};

use uuid::Uuid;

use crate::store::session::Owner;

/// This process's place among those that share a database.
#[derive(Debug)]
pub(super) struct Presence {
    directory: PathBuf,
    owner: Owner,
    /// Keeps the lock.
    _file: File,
}

/// The directory with the lock files of a database.
fn directory(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-owners");
    PathBuf::from(name)
}

impl Presence {
    /// Takes a place under a fresh name.
    pub(super) fn take(database: &Path, name: Uuid) -> io::Result<Self> {
        let directory = directory(database);
        let name = name.simple().to_string();
        // It gets its name once it is locked, so that nobody can take it for the file of a dead process before.
        let unnamed = directory.join(format!("{name}.new"));
        fs::create_dir_all(&directory)?;
        let file = File::create(&unnamed).or_else(|_| {
            // Whoever was the last one here has just taken the directory along.
            fs::create_dir_all(&directory)?;
            File::create(&unnamed)
        })?;
        file.lock()?;
        fs::rename(&unnamed, directory.join(&name))?;
        Ok(Self {
            directory,
            owner: Owner {
                lock: name,
                pid: process::id(),
            },
            _file: file,
        })
    }

    /// How sessions of this process name it.
    pub(super) fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Whether a process that shares the database lives. What cannot be found out counts as alive.
    pub(super) fn is_alive(&self, owner: &Owner) -> bool {
        is_locked(&self.directory.join(&owner.lock))
    }

    /// Removes the files that dead processes left.
    pub(super) fn clean(&self) {
        let Ok(files) = fs::read_dir(&self.directory) else {
            return;
        };
        for path in files.flatten().map(|entry| entry.path()) {
            let is_new = path.extension().is_some_and(|e| e == "new");
            if !is_new && !is_locked(&path) {
                fs::remove_file(path).ok();
            }
        }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        fs::remove_file(self.directory.join(&self.owner.lock)).ok();
        // The last one takes the directory along; it is not empty for all others.
        fs::remove_dir(&self.directory).ok();
    }
}

/// Whether a process holds the lock of a file.
fn is_locked(path: &Path) -> bool {
    match File::open(path) {
        // Where the file system knows no locks nobody is declared dead.
        Ok(file) => file.try_lock().is_err(),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

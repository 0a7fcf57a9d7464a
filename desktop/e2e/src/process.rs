//! Programs that a test starts, and that never outlive it.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep},
};

/// What is waited for at most. Machines that are busy are slow.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// How often what is waited for is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// A program that runs, with what it says in a file. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program; what it says goes to `NAME.log` in the folder.
    pub(crate) fn start(name: &str, command: &mut Command, folder: &Path) -> Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let out = std::fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let err = out.try_clone()?;
        let program = command.as_std().get_program().to_string_lossy().into_owned();
        let child = command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{program} cannot be started"))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log,
        })
    }

    /// What it has said.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its id.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Fails when it has ended.
    pub(crate) fn is_alive(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("{} ended ({status}): {}", self.name, self.said());
        }
        Ok(())
    }

    /// Looks until something is there, as long as it runs.
    pub(crate) async fn until<T>(&mut self, what: &str, mut look: impl FnMut(&str) -> Option<T>) -> Result<T> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look(&self.said()) {
                return Ok(found);
            }
            self.is_alive()?;
            if Instant::now() > until {
                bail!("{}: {what} took too long; it said: {}", self.name, self.said());
            }
            sleep(LOOK).await;
        }
    }

    /// Kills it at once, as a machine that fails does.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        self.child.kill().await?;
        Ok(())
    }

    /// The memory that it holds now, in bytes.
    pub(crate) fn memory(&self) -> Option<u64> {
        memory_of(self.id()?)
    }
}

/// The resident memory of a process, in bytes, where the system tells.
fn memory_of(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib * 1024)
}

/// Looks until something is there.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let until = Instant::now() + PATIENCE;
    loop {
        let found = look().await;
        match found {
            Ok(Some(found)) => return Ok(found),
            Ok(None) if Instant::now() > until => bail!("{what}: it did not come within {} s", PATIENCE.as_secs()),
            Err(error) if Instant::now() > until => return Err(error.context(what.to_owned())),
            Ok(None) | Err(_) => sleep(LOOK).await,
        }
    }
}

/// A program on the path, or what to install.
pub(crate) fn find(names: &[&str], package: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    for name in names {
        if let Some(found) = folders
            .iter()
            .map(|folder| folder.join(OsStr::new(name)))
            .find(|path| path.is_file())
        {
            return Ok(found);
        }
    }
    bail!(
        "'{}' is missing. On Debian or Ubuntu: sudo apt-get install --no-install-recommends {package}",
        names.first().unwrap_or(&"?")
    )
}

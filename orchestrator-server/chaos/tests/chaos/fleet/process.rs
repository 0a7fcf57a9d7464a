//! A process of the fleet.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Mutex,
};

/// A server or a worker: a process of its own, killed when it is dropped.
pub struct Process {
    name: String,
    child: Mutex<Child>,
    id: u32,
    out: PathBuf,
    err: PathBuf,
    /// How often it was started before.
    pub generation: usize,
}

impl Process {
    /// Starts one of the fleet's programs. Everything of a fleet has the fleet's folder for a home: that is how what it
    /// leaves behind is found.
    pub fn start(folder: &Path, name: &str, args: &[String]) -> Self {
        let (out, err) = (folder.join(format!("{name}.out")), folder.join(format!("{name}.log")));
        let file = |path: &Path| File::create(path).expect("a file");
        let path = std::env::var("PATH").unwrap_or_default();
        let child = Command::new(env!("CARGO_BIN_EXE_orchestrator-chaos"))
            .args(args)
            .env_clear()
            .env("PATH", format!("{}:{path}", folder.join("bin").display()))
            .env("HOME", folder.join("home"))
            .env(
                "RUST_LOG",
                std::env::var("ORCHESTRATOR_CHAOS_LOG").unwrap_or_else(|_| "info".to_owned()),
            )
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(file(&out))
            .stderr(file(&err))
            .spawn()
            .expect("a process");
        Self {
            name: name.to_owned(),
            id: child.id(),
            child: Mutex::new(child),
            out,
            err,
            generation: 0,
        }
    }

    /// What it wrote to standard output.
    pub fn said(&self) -> String {
        fs::read_to_string(&self.out).unwrap_or_default()
    }

    /// Fails when it has ended by itself.
    pub fn check(&self) {
        let ended = self
            .child
            .lock()
            .expect("nobody panics")
            .try_wait()
            .expect("its status");
        assert!(
            ended.is_none(),
            "{} ended with {ended:?} and said {}",
            self.name,
            fs::read_to_string(&self.err).unwrap_or_default()
        );
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        send(name, self.id);
    }

    /// Ends it without a warning.
    pub fn kill(&self) {
        let mut child = self.child.lock().expect("nobody panics");
        // One that has ended already is what is wanted.
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Asks it to end, and returns once it has.
    pub async fn terminate(&self) {
        self.signal("TERM");
        crate::time::until("a process that was asked to end has ended", async || {
            self.child
                .lock()
                .expect("nobody panics")
                .try_wait()
                .expect("its status")
        })
        .await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sends a process a signal.
pub fn send(name: &str, process: u32) {
    let sent = Command::new("kill").args(["-s", name, &process.to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "kill -s {name} {process}");
}

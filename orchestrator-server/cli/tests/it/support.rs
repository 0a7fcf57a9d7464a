//! A place of its own for each test, and the command run in it.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// The longest that anything here may take before it counts as hung. Machines that are busy are slow.
const PATIENCE: Duration = Duration::from_mins(2);

/// A folder with a database, a home and a folder for programs that come first in the search path.
pub struct Place {
    folder: TempDir,
}

/// What a command that has ended left.
#[derive(Debug)]
pub struct Out {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Out {
    /// The same, when it ended with this status.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// The same, when it complained on one line with these words.
    #[track_caller]
    pub fn complains(self, code: i32, words: &[&str]) -> Self {
        let out = self.expect(code);
        assert_eq!(out.stderr.lines().count(), 1, "{out:#?}");
        assert!(out.stderr.starts_with("error: "), "{out:#?}");
        for word in words {
            assert!(out.stderr.contains(word), "no `{word}` in {out:#?}");
        }
        out
    }

    /// Standard output as one JSON value.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {self:#?}"))
    }

    /// Standard output as a JSON value a line.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        let lines = self.stdout.lines().map(serde_json::from_str);
        lines
            .collect::<Result<_, _>>()
            .unwrap_or_else(|e| panic!("{e}: {self:#?}"))
    }
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["home", "bin"] {
            fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn database(&self) -> PathBuf {
        self.path("tasks.db")
    }

    /// Puts a program first in the search path: a shell script.
    pub fn program(&self, name: &str, script: &str) {
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a program");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("permissions");
    }

    /// A folder with files, by path and text.
    pub fn repository(&self, name: &str, files: &[(String, String)]) -> PathBuf {
        let root = self.path(name);
        fs::create_dir_all(&root).expect("a folder");
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        root
    }

    /// The command, with nothing of the surroundings but the search path.
    pub fn command<S: AsRef<std::ffi::OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orchestrator"));
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .args(args)
            .env_clear()
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env("HOME", self.path("home"))
            .env("LANG", "C.UTF-8")
            .env("ORCHESTRATOR_DATABASE", format!("sqlite:{}", self.database().display()))
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs the command to its end.
    pub fn run<S: AsRef<std::ffi::OsStr>>(&self, args: &[S]) -> Out {
        self.start(args).end()
    }

    /// Starts the command.
    pub fn start<S: AsRef<std::ffi::OsStr>>(&self, args: &[S]) -> Running {
        self.begin(self.command(args))
    }

    /// Starts a command that was set up by hand.
    pub fn begin(&self, mut command: Command) -> Running {
        let files = tempfile::Builder::new()
            .prefix("out")
            .tempdir_in(self.folder.path())
            .expect("a folder");
        let stream = |name: &str| File::create(files.path().join(name)).expect("a file");
        command.stdout(stream("stdout")).stderr(stream("stderr"));
        Running {
            child: command.spawn().expect("the command"),
            files,
        }
    }

    /// The task that a word names, as `show --json` tells it.
    #[track_caller]
    pub fn show(&self, task: &str) -> Value {
        self.run(&["show", task, "--json"]).expect(0).json()["task"].clone()
    }

    /// Waits until a task is in a state.
    #[track_caller]
    pub fn wait_for_state(&self, task: &str, state: &str) {
        eventually(&format!("{task} to be {state}"), || {
            let out = self.run(&["show", task, "--json"]);
            out.code == Some(0) && out.json()["task"]["state"] == state
        });
    }

    /// Runs a task of `command` with a shell script.
    pub fn shell(script: &str) -> String {
        serde_json::json!({"argv": ["sh", "-c", script], "grace_s": 1}).to_string()
    }
}

/// A command that runs.
pub struct Running {
    child: Child,
    files: TempDir,
}

impl Running {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn read(&self, name: &str) -> String {
        let bytes = fs::read(self.files.path().join(name)).expect("what it wrote");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub fn stderr(&self) -> String {
        self.read("stderr")
    }

    pub fn stdout(&self) -> String {
        self.read("stdout")
    }

    /// Waits until it has written something to standard error.
    #[track_caller]
    pub fn says(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.stderr().contains(text) {
            let ended = self.child.try_wait().expect("its status");
            assert!(ended.is_none(), "it ended with {ended:?} and wrote {}", self.stderr());
            assert!(Instant::now() < deadline, "no `{text}` in {}", self.stderr());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        signal(name, self.id());
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("its status").is_some()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn end(mut self) -> Out {
        let deadline = Instant::now() + PATIENCE;
        let status: ExitStatus = loop {
            if let Some(status) = self.child.try_wait().expect("its status") {
                break status;
            }
            if Instant::now() > deadline {
                let _ = self.child.kill();
                panic!("it hangs; it wrote {} {}", self.stdout(), self.stderr());
            }
            thread::sleep(Duration::from_millis(5));
        };
        Out {
            code: status.code(),
            stdout: self.stdout(),
            stderr: self.stderr(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a process a signal.
pub fn signal(name: &str, process: u32) {
    // A process that has ended and was not waited for can still be sent one.
    let sent = Command::new("kill").args(["-s", name, &process.to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "kill -s {name} {process}");
}

/// Whether a process runs whose command line contains a text.
pub fn runs(text: &str) -> bool {
    let Ok(processes) = fs::read_dir("/proc") else {
        return false;
    };
    let lines = processes
        .flatten()
        .filter_map(|p| fs::read(p.path().join("cmdline")).ok());
    lines
        .into_iter()
        .any(|line| String::from_utf8_lossy(&line).contains(text))
}

/// Waits until something is so.
#[track_caller]
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Writes a file.
pub fn write(path: &Path, text: &str) {
    File::create(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .expect("a file");
}

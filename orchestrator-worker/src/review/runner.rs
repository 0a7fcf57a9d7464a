//! How the review runs other programs: one small port, and its plain implementation.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The environment variables that a program started by the review may see. Everything else, credentials above all,
/// stays behind.
pub const ENVIRONMENT: &[&str] = &[
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "TMP",
    "TEMP",
    "USER",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "GOPATH",
    "GOROOT",
    "GOCACHE",
    "GOMODCACHE",
    "NODE_PATH",
    "PYENV_ROOT",
    "PYENV_VERSION",
    "SYSTEMROOT",
    "USERPROFILE",
    "APPDATA",
    "LOCALAPPDATA",
    "XDG_CACHE_HOME",
];

/// One run of a program: an argument list, never a shell line.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The program's name; it is looked up in the absolute folders of `PATH`, never in the working directory.
    pub program: String,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Where it runs.
    pub cwd: PathBuf,
    /// Variables set in addition to [`ENVIRONMENT`].
    pub env: Vec<(String, String)>,
    /// The longest it may take; then it and everything it started is killed.
    pub timeout: Duration,
    /// Most bytes kept of each of its outputs. The rest is read and thrown away.
    pub max_output: usize,
}

impl Invocation {
    /// A run of at most a minute with at most 32 MiB of output.
    pub fn new<A: Into<OsString>>(program: &str, args: impl IntoIterator<Item = A>, cwd: &Path) -> Self {
        Self {
            program: program.to_owned(),
            args: args.into_iter().map(Into::into).collect(),
            cwd: cwd.to_path_buf(),
            env: Vec::new(),
            timeout: Duration::from_mins(1),
            max_output: 32 << 20,
        }
    }
}

/// How a program ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// Its exit code; None when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote, up to the limit.
    pub stdout: Vec<u8>,
    /// What it complained about, up to the limit.
    pub stderr: Vec<u8>,
    /// More was written than was kept.
    pub truncated: bool,
}

impl Output {
    /// The standard output as text; what is no UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// The last line of the standard error that says something, for a reason in a report.
    pub fn complaint(&self) -> String {
        let text = String::from_utf8_lossy(&self.stderr);
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let telling = lines
            .clone()
            .find(|line| line.starts_with("error") || line.starts_with("fatal"));
        telling.or_else(|| lines.next_back()).unwrap_or("no message").to_owned()
    }
}

/// Why a program could not be run to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// There is no such program on this machine.
    #[error("{0} is not installed")]
    NotFound(String),
    /// It could not be started or read from.
    #[error("{program} could not be run: {source}")]
    Io {
        /// The program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// It took too long and was killed.
    #[error("{program} was stopped after {seconds} s")]
    TimedOut {
        /// The program.
        program: String,
        /// How long it was given.
        seconds: u64,
    },
}

/// Runs programs. Implementations give no standard input, kill the whole process group at the end, and pass only
/// [`ENVIRONMENT`].
#[async_trait]
pub trait Runner: Send + Sync {
    /// Runs a program to its end. An exit code other than zero is not an error.
    ///
    /// # Cancel safety
    /// Dropping the future kills the program and what it started.
    async fn run(&self, invocation: Invocation) -> Result<Output, RunError>;
}

/// Runs programs as plain child processes.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessRunner;

#[async_trait]
impl Runner for ProcessRunner {
    async fn run(&self, invocation: Invocation) -> Result<Output, RunError> {
        let name = invocation.program.clone();
        let program = find(&name).ok_or_else(|| RunError::NotFound(name.clone()))?;
        let failed = |source| RunError::Io {
            program: name.clone(),
            source,
        };
        let mut command = tokio::process::Command::new(program);
        command.args(&invocation.args).current_dir(&invocation.cwd).env_clear();
        command.envs(
            ENVIRONMENT
                .iter()
                .filter_map(|key| std::env::var_os(key).map(|value| (*key, value))),
        );
        command.envs(invocation.env.iter().map(|(key, value)| (key, value)));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().map_err(failed)?;
        let group = Group(child.id());
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let work = async {
            let ended = async {
                let status = child.wait().await;
                // Whatever it left running would keep the pipes open.
                drop(group);
                status
            };
            let limit = invocation.max_output;
            let (status, out, err) = tokio::join!(ended, read(out, limit), read(err, limit));
            let ((stdout, more_out), (stderr, more_err)) = (out?, err?);
            Ok(Output {
                code: status?.code(),
                stdout,
                stderr,
                truncated: more_out || more_err,
            })
        };
        match tokio::time::timeout(invocation.timeout, work).await {
            Ok(result) => result.map_err(failed),
            Err(_) => Err(RunError::TimedOut {
                program: name,
                seconds: invocation.timeout.as_secs(),
            }),
        }
    }
}

/// Kills a process group when dropped.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(pid) = self.0.and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) {
            // It may be gone already, which is what is wanted.
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
    }
}

/// Reads to the end and keeps the first `limit` bytes; the flag says that there was more.
async fn read(from: Option<impl AsyncRead + Unpin>, limit: usize) -> std::io::Result<(Vec<u8>, bool)> {
    let Some(mut from) = from else {
        return Ok((Vec::new(), false));
    };
    let mut kept = Vec::new();
    let mut more = false;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return Ok((kept, more));
        }
        let room = limit.saturating_sub(kept.len()).min(count);
        kept.extend_from_slice(&buffer[..room]);
        more |= room < count;
    }
}

/// The program's file in the absolute folders of `PATH`. A relative folder could lie inside the reviewed repository.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .flat_map(|folder| {
            [
                folder.join(program),
                folder.join(format!("{program}{}", std::env::consts::EXE_SUFFIX)),
            ]
        })
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Invocation {
        Invocation::new("sh", ["-c", script], Path::new("/"))
    }

    #[tokio::test]
    async fn the_end_and_both_outputs_are_told() {
        let output = ProcessRunner
            .run(sh("echo out; echo 'error: bad' >&2; exit 3"))
            .await
            .unwrap();
        assert_eq!(
            (output.code, output.text().as_str(), output.complaint().as_str()),
            (Some(3), "out\n", "error: bad")
        );
    }

    #[tokio::test]
    async fn output_is_capped_but_read_to_the_end() {
        let mut invocation =
            sh("i=0; while [ $i -lt 2000 ]; do echo 0123456789012345678901234567890123456789; i=$((i+1)); done");
        invocation.max_output = 100;
        let output = ProcessRunner.run(invocation).await.unwrap();
        assert_eq!(
            (output.code, output.stdout.len(), output.truncated),
            (Some(0), 100, true)
        );
    }

    #[tokio::test]
    async fn too_long_means_killed() {
        let mut invocation = sh("sleep 1000");
        invocation.timeout = Duration::from_millis(50);
        assert!(matches!(
            ProcessRunner.run(invocation).await,
            Err(RunError::TimedOut { .. })
        ));
    }

    #[tokio::test]
    async fn what_a_program_leaves_running_does_not_hold_the_review() {
        let output = ProcessRunner.run(sh("sleep 1000 & echo done")).await.unwrap();
        assert_eq!(output.text(), "done\n");
    }

    #[tokio::test]
    async fn secrets_of_the_environment_stay_behind() {
        let mut invocation = sh("env");
        invocation.env.push(("GIVEN".to_owned(), "yes".to_owned()));
        let text = ProcessRunner.run(invocation).await.unwrap().text();
        assert!(text.contains("GIVEN=yes") && text.contains("PATH=") && !text.contains("CARGO_MANIFEST_DIR"));
    }

    #[tokio::test]
    async fn a_missing_program_is_its_own_error() {
        let missing = Invocation::new("no-such-program-here", [""; 0], Path::new("/"));
        assert!(matches!(ProcessRunner.run(missing).await, Err(RunError::NotFound(_))));
    }
}

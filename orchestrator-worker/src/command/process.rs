//! A program and everything that it starts.

use std::{io, process::ExitStatus, process::Stdio, time::Duration};

use futures::future::{FusedFuture, FutureExt};
use orchestrator_core::{TaskContext, TaskError};
use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdin, Command},
    sync::watch,
};
use tokio_util::sync::CancellationToken;

use super::{CommandInput, PASSED, capture::Capture, lines::Lines};

/// The variable that marks a program and what it starts, by which those that leave its process group are found.
const MARK: &str = "ORCHESTRATOR_TASK_ID";

/// How long outputs are read after the program has ended: something that it left behind may keep them open.
const DRAIN: Duration = Duration::from_millis(500);

/// How often it is looked whether a stopped program has ended.
const LOOK: Duration = Duration::from_millis(20);

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Code(i32),
    Signal(i32),
    TimedOut,
    Silent,
    Cancelled,
}

/// What bounds a run.
#[derive(Debug)]
pub(super) struct Limits {
    pub(super) timeout: Option<Duration>,
    pub(super) silence: Option<Duration>,
    pub(super) grace: Duration,
    pub(super) cap: usize,
}

/// A running program. Dropping it kills it and what it started.
pub(super) struct Process {
    child: Child,
    family: Family,
    stdin: Option<(ChildStdin, String)>,
}

impl Process {
    /// Starts a program in a process group of its own.
    pub(super) fn spawn(input: &CommandInput, mark: &str) -> Result<Self, TaskError> {
        if let Some(folder) = input.cwd.as_ref().filter(|folder| !folder.is_dir()) {
            return Err(TaskError::terminal(format!(
                "cwd: {} is not a folder on this worker",
                folder.display()
            )));
        }
        let mut command = Command::new(&input.argv[0]);
        command.args(&input.argv[1..]).env_clear();
        let passed = PASSED.iter().copied().chain(input.pass_env.iter().map(String::as_str));
        command.envs(passed.filter_map(|name| std::env::var_os(name).map(|value| (name, value))));
        command.envs(&input.env).env(MARK, mark);
        if let Some(folder) = &input.cwd {
            command.current_dir(folder);
        }
        command
            .stdin(if input.stdin.is_some() {
                Stdio::piped()
            } else {
                Stdio::null()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| cannot_start(&input.argv[0], &error))?;
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let stdin = child.stdin.take().zip(input.stdin.clone());
        Ok(Self {
            child,
            family: Family {
                group,
                mark: mark.to_owned(),
            },
            stdin,
        })
    }

    /// Follows it to its end, telling every line, and says how it ended and what it wrote.
    pub(super) async fn follow(
        mut self,
        ctx: &TaskContext,
        limits: &Limits,
        cancelled: CancellationToken,
    ) -> Result<(End, String, String), TaskError> {
        let (heard, hearing) = watch::channel(());
        let (mut out, mut err) = (Capture::new(limits.cap), Capture::new(limits.cap));
        let (stdout, stderr) = (self.child.stdout.take(), self.child.stderr.take());
        let end = {
            let outputs = async {
                tokio::join!(
                    listen(stdout, "stdout", ctx, &mut out, &heard),
                    listen(stderr, "stderr", ctx, &mut err, &heard),
                );
            }
            .fuse();
            tokio::pin!(outputs);
            let stdin = feed(self.stdin.take());
            tokio::pin!(stdin);
            let why = {
                let watched = watch_limits(limits, hearing, cancelled);
                tokio::pin!(watched);
                let mut fed = false;
                loop {
                    tokio::select! {
                        biased;
                        end = &mut watched => break Some(end),
                        status = self.child.wait() => break status.is_err().then_some(End::Cancelled),
                        () = &mut stdin, if !fed => fed = true,
                        () = &mut outputs, if !outputs.is_terminated() => {}
                    }
                }
            };
            let stop = async {
                if why.is_some() {
                    self.family.stop(&mut self.child, limits.grace).await;
                }
                // Whatever it left running ends with it.
                self.family.kill();
            };
            // A program that is stopped may still have something to say.
            tokio::select! {
                biased;
                () = stop => {}
                () = async {
                    if !outputs.is_terminated() {
                        outputs.as_mut().await;
                    }
                    std::future::pending::<()>().await;
                } => {}
            }
            if !outputs.is_terminated() {
                let _ = tokio::time::timeout(DRAIN, outputs).await;
            }
            why
        };
        let status = self
            .child
            .wait()
            .await
            .map_err(|e| TaskError::retryable(e.to_string()))?;
        Ok((end.unwrap_or_else(|| ended(status)), out.into_text(), err.into_text()))
    }
}

fn ended(status: ExitStatus) -> End {
    use std::os::unix::process::ExitStatusExt;
    status
        .code()
        .map_or_else(|| End::Signal(status.signal().unwrap_or(0)), End::Code)
}

fn cannot_start(program: &str, error: &io::Error) -> TaskError {
    let why = match error.kind() {
        io::ErrorKind::NotFound => {
            "there is no such program on this worker; install it or give its whole path".to_owned()
        }
        io::ErrorKind::PermissionDenied => "it may not be executed; look at its permissions".to_owned(),
        _ => error.to_string(),
    };
    TaskError::terminal(format!("`{program}` cannot be started: {why}"))
}

/// Returns why the program must be stopped, when it must.
async fn watch_limits(limits: &Limits, mut hearing: watch::Receiver<()>, cancelled: CancellationToken) -> End {
    let timeout = async {
        match limits.timeout {
            Some(timeout) => tokio::time::sleep(timeout).await,
            None => std::future::pending().await,
        }
    };
    let silence = async {
        let Some(silence) = limits.silence else {
            return std::future::pending().await;
        };
        while let Ok(Ok(())) = tokio::time::timeout(silence, hearing.changed()).await {}
    };
    tokio::select! {
        biased;
        () = cancelled.cancelled() => End::Cancelled,
        () = timeout => End::TimedOut,
        () = silence => End::Silent,
    }
}

async fn feed(stdin: Option<(ChildStdin, String)>) {
    if let Some((mut pipe, text)) = stdin {
        // A program that does not want to read it all has its reasons.
        let _ = pipe.write_all(text.as_bytes()).await;
    }
}

async fn listen(
    from: Option<impl AsyncRead + Unpin>,
    stream: &str,
    ctx: &TaskContext,
    capture: &mut Capture,
    heard: &watch::Sender<()>,
) {
    let Some(mut from) = from else { return };
    let mut lines = Lines::default();
    let mut buffer = vec![0; 16 << 10];
    loop {
        match from.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(count) => {
                heard.send_replace(());
                capture.add(&buffer[..count]);
                for line in lines.add(&buffer[..count]) {
                    ctx.output(stream, line).await;
                }
            }
        }
    }
    if let Some(line) = lines.finish() {
        ctx.output(stream, line).await;
    }
}

/// The process group of a program, and what left it but carries its mark.
struct Family {
    group: Option<Pid>,
    mark: String,
}

impl Family {
    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // It may be gone already, which is what is wanted.
            let _ = kill_process_group(group, signal);
        }
        for pid in marked(&self.mark) {
            let _ = kill_process(pid, signal);
        }
    }

    /// Asks all of them to end, and kills what has not ended within the grace period.
    async fn stop(&self, child: &mut Child, grace: Duration) {
        self.signal(Signal::TERM);
        let all_gone = async {
            let _ = child.wait().await;
            while self.group.is_some_and(|group| test_kill_process_group(group).is_ok())
                || !marked(&self.mark).is_empty()
            {
                tokio::time::sleep(LOOK).await;
            }
        };
        let _ = tokio::time::timeout(grace, all_gone).await;
        self.kill();
    }

    fn kill(&self) {
        self.signal(Signal::KILL);
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Kills every process that carries the mark of a task.
pub(super) fn sweep(mark: &str) {
    for pid in marked(mark) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// The processes that carry a mark in their environment. Only Linux tells; elsewhere the process group is all there is.
fn marked(mark: &str) -> Vec<Pid> {
    let wanted = format!("{MARK}={mark}");
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let own = std::process::id().cast_signed();
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| *pid != own)
        .filter(|pid| {
            std::fs::read(format!("/proc/{pid}/environ"))
                .is_ok_and(|environ| environ.split(|byte| *byte == 0).any(|v| v == wanted.as_bytes()))
        })
        .filter_map(Pid::from_raw)
        .collect()
}

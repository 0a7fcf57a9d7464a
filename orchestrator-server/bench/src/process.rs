//! Processes: what they used of the machine, and those that the benchmark starts.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::Context;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

/// What a process and all below it have used of the processors so far, in seconds, those included that ended and were
/// waited for.
pub fn cpu_of(root: u32) -> f64 {
    let all = Stat::all();
    let within = |stat: &Stat| {
        let mut pid = stat.pid;
        while pid != root {
            match all.iter().find(|other| other.pid == pid) {
                Some(found) if found.parent != pid => pid = found.parent,
                _ => return false,
            }
        }
        true
    };
    all.iter().filter(|stat| within(stat)).map(|stat| stat.cpu).sum()
}

/// What a process and all below it hold of the memory, in bytes: pages that several share count once
/// (`/proc/PID/smaps_rollup`).
pub fn memory_of(root: u32) -> f64 {
    let all = Stat::all();
    let children = |parent: u32| {
        all.iter()
            .filter(move |stat| stat.parent == parent)
            .map(|stat| stat.pid)
    };
    let mut pids = vec![root];
    let mut next = 0;
    while next < pids.len() {
        pids.extend(children(pids[next]));
        next += 1;
    }
    let share = |pid: u32| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("Pss:")).unwrap_or_default();
        line.split_whitespace()
            .nth(1)
            .and_then(|n| n.parse::<f64>().ok())
            .unwrap_or(0.0)
            * 1024.0
    };
    pids.into_iter().map(share).sum()
}

/// A line of `/proc/PID/stat`.
struct Stat {
    pid: u32,
    parent: u32,
    /// Seconds of processor, with those of ended children.
    cpu: f64,
}

impl Stat {
    fn all() -> Vec<Self> {
        let folders = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = folders.filter_map(|folder| folder.file_name().to_str()?.parse().ok());
        pids.filter_map(Self::of).collect()
    }

    fn of(pid: u32) -> Option<Self> {
        /// Linux has counted in hundredths for every program since 2.6.
        const TICKS: f64 = 100.0;
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name stands in parentheses and may hold anything.
        let fields: Vec<&str> = text[text.rfind(')')? + 2..].split_whitespace().collect();
        let number = |place: usize| fields.get(place)?.parse::<f64>().ok();
        Some(Self {
            pid,
            parent: number(1)? as u32,
            cpu: (number(11)? + number(12)? + number(13)? + number(14)?) / TICKS,
        })
    }
}

/// A process that is killed when this is dropped.
pub struct Running {
    child: Child,
    /// Its id.
    pub pid: u32,
}

impl Running {
    /// Starts a program; what it prints is thrown away but for errors.
    pub fn start(command: &mut Command) -> anyhow::Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} does not start", command.as_std().get_program().display()))?;
        let pid = child.id().context("it ended at once")?;
        Ok(Self { child, pid })
    }

    /// Starts a program and waits for a line on its output that ends with a word that matters, which is returned.
    pub async fn start_and_hear(command: &mut Command, begins: &str) -> anyhow::Result<(Self, String)> {
        let mut running = Self::start(command.stdout(Stdio::piped()))?;
        let output = running.child.stdout.take().context("it has an output")?;
        let mut lines = BufReader::new(output).lines();
        let heard = async {
            while let Some(line) = lines.next_line().await? {
                if let Some(rest) = line.strip_prefix(begins) {
                    return Ok(rest.trim().to_owned());
                }
            }
            anyhow::bail!("it ended without a word")
        };
        let heard = tokio::time::timeout(Duration::from_secs(30), heard)
            .await
            .context("it says nothing")??;
        // It must not be stopped by an output that nobody reads.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok((running, heard))
    }

    /// Tells it to stop, and waits until it has; kills it when that takes longer than some seconds.
    pub async fn stop(mut self) {
        Command::new("kill").arg(self.pid.to_string()).status().await.ok();
        if tokio::time::timeout(Duration::from_secs(10), self.child.wait())
            .await
            .is_err()
        {
            self.child.kill().await.ok();
        }
    }
}

/// A program that was built together with this one.
pub fn sibling(name: &str) -> anyhow::Result<PathBuf> {
    let here = std::env::current_exe()?;
    let path = here.with_file_name(name);
    anyhow::ensure!(
        path.exists(),
        "{} is missing: build it first (cargo build --release -p {name})",
        path.display()
    );
    Ok(path)
}

/// Runs a program to its end and returns what it printed.
pub async fn output_of<S: AsRef<OsStr>>(program: &Path, args: &[S], envs: &[(&str, &str)]) -> anyhow::Result<String> {
    let mut command = Command::new(program);
    command
        .args(args)
        .envs(envs.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = command
        .output()
        .await
        .with_context(|| format!("{} does not start", program.display()))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        let first: Vec<&str> = complaint
            .lines()
            .filter(|line| !line.trim().is_empty())
            .take(3)
            .collect();
        anyhow::bail!("{} failed: {}", program.display(), first.join(" / "));
    }
    Ok(String::from_utf8(output.stdout)?)
}

//! A PostgreSQL of a fleet's own, which can be killed.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Mutex,
};

use sqlx::{Connection, PgConnection};

use crate::time::until;

/// How the servers reach a PostgreSQL at an address.
pub fn url(address: SocketAddr) -> String {
    // An ordinary user: the last connections are kept for the owner, as in real installations.
    format!("postgres://fleet@{address}/postgres?sslmode=disable")
}

/// A PostgreSQL.
pub struct Postgres {
    folder: PathBuf,
    address: SocketAddr,
    bin: PathBuf,
    connections: u32,
    process: Mutex<Option<Child>>,
}

impl Postgres {
    /// Makes one and starts it.
    pub async fn create(folder: &Path, connections: u32) -> Self {
        let folder = folder.join("postgres");
        std::fs::create_dir(&folder).expect("a folder");
        open_to_others(folder.parent().expect("the fleet's folder"));
        let postgres = Self {
            address: free_address(),
            bin: bin(),
            connections,
            process: Mutex::new(None),
            folder,
        };
        if is_root() {
            run(Command::new("chown").arg("postgres:").arg(&postgres.folder));
        }
        let data = postgres.data();
        let mut initdb = postgres.command("initdb");
        initdb.arg("-D").arg(&data);
        run(initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]));
        postgres.start().await;
        let mut owner = postgres.connect().await;
        sqlx::raw_sql("create role fleet login; grant create on database postgres to fleet")
            .execute(&mut owner)
            .await
            .expect("a role");
        postgres
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// One of PostgreSQL's programs, as a user who may run it.
    fn command(&self, program: &str) -> Command {
        let program = self.bin.join(program);
        let mut command = if is_root() {
            // It refuses to run as root.
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
            command.arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(&self.folder).env("HOME", &self.folder);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// Starts it, and returns once it answers. What a killed one left may have to end first.
    pub async fn start(&self) {
        let url = self.owner_url();
        until("PostgreSQL starts", async || {
            self.spawn_again();
            PgConnection::connect(&url).await.ok()
        })
        .await;
    }

    /// Starts a process, unless there is one.
    fn spawn_again(&self) {
        let mut process = self.process.lock().expect("nobody panics");
        let ended = process
            .as_mut()
            .is_none_or(|child| child.try_wait().is_ok_and(|status| status.is_some()));
        if ended {
            *process = Some(self.spawn());
        }
    }

    fn spawn(&self) -> Child {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.with_file_name("postgres.log"))
            .expect("a file");
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data()).args(["-h", "127.0.0.1"]);
        command.arg("-p").arg(self.address.port().to_string());
        command.arg("-k").arg(&self.folder);
        let all = self.connections + 3;
        // What is acknowledged must survive the process, not the machine: the kernel keeps it, synced or not.
        for setting in ["fsync=off", &format!("max_connections={all}"), "autovacuum_naptime=1s"] {
            command.args(["-c", setting]);
        }
        command.stderr(log).spawn().expect("postgres")
    }

    fn owner_url(&self) -> String {
        format!("postgres://postgres@{}/postgres?sslmode=disable", self.address)
    }

    /// Ends it without a warning, with all its processes.
    pub fn kill(&self) {
        let Some(mut child) = self.process.lock().expect("nobody panics").take() else {
            return;
        };
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Ends one of its processes without a warning: it then ends all others, recovers, and goes on. Returns once it does.
    pub async fn kill_backend(&self) {
        let mut owner = self.connect().await;
        let backend = "select pid from pg_stat_activity where usename='fleet' order by backend_start limit 1";
        let found: Option<i32> = sqlx::query_scalar(backend)
            .fetch_optional(&mut owner)
            .await
            .expect("a row");
        let Some(process) = found else { return };
        super::process::send("KILL", process.cast_unsigned());
        until("PostgreSQL has started over", async || {
            owner.ping().await.is_err().then_some(())
        })
        .await;
        self.connect().await;
    }

    /// A connection of the owner, for whom some are kept. Waits for one.
    pub async fn connect(&self) -> PgConnection {
        let url = self.owner_url();
        until("PostgreSQL answers", async || PgConnection::connect(&url).await.ok()).await
    }

    /// Returns once no ordinary user is connected.
    pub async fn nobody_is_connected(&self) {
        let mut owner = self.connect().await;
        let sql = "select count(*) from pg_stat_activity where usename='fleet'";
        until("PostgreSQL has closed what was cut", async || {
            let count: i64 = sqlx::query_scalar(sql).fetch_one(&mut owner).await.ok()?;
            (count == 0).then_some(())
        })
        .await;
    }

    /// As many connections of an ordinary user as there are left.
    pub async fn all_connections(&self) -> Vec<PgConnection> {
        let mut held = Vec::new();
        while let Ok(connection) = PgConnection::connect(&url(self.address)).await {
            held.push(connection);
        }
        held
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Lets the user of PostgreSQL into a folder.
fn open_to_others(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("permissions");
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Where PostgreSQL's programs are: the newest that Debian has, or those of the search path.
fn bin() -> PathBuf {
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let versions = installed.filter_map(|entry| {
        let path = entry.ok()?.path();
        let version: u32 = path.file_name()?.to_str()?.parse().ok()?;
        Some((version, path.join("bin")))
    });
    let newest = versions.filter(|(_, bin)| bin.join("initdb").is_file()).max();
    if let Some((_, bin)) = newest {
        return bin;
    }
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&paths).find(|folder| folder.join("initdb").is_file());
    found.expect(
        "PostgreSQL is missing: install it (on Debian or Ubuntu: apt-get install postgresql), or run `make test`",
    )
}

/// An address that nobody listens at now.
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address")
}

fn run(command: &mut Command) {
    let output = command.stdout(Stdio::null()).output().expect("a program");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}

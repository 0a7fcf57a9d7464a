//! Other people's HTTP: programs of a screenful that answer one task from memory, or insert one row a request.

use std::{
    net::TcpListener,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::Context;
use tokio::process::Command;

use crate::{
    peer_node::Node,
    process::{self, Running},
    scenario::Bench,
};

/// A task as the peers take it.
pub const BODY: &str = r#"{"title":"write the report","priority":3}"#;

/// What runs a peer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Node,
    Python,
    Go,
}

/// A program.
pub struct Peer {
    pub name: &'static str,
    kind: Kind,
    /// The script, or what is called with its arguments; `PORT` stands for the port.
    command: &'static [&'static str],
    writes: bool,
}

const PEERS: &[Peer] = &[
    Peer {
        name: "Gin",
        kind: Kind::Go,
        command: &[],
        writes: false,
    },
    Peer {
        name: "FastAPI, uvicorn, 2 processes",
        kind: Kind::Python,
        command: &[
            "uvicorn",
            "http_fastapi:app",
            "--port",
            "PORT",
            "--no-access-log",
            "--log-level",
            "warning",
            "--workers",
            "2",
        ],
        writes: false,
    },
    Peer {
        name: "Express",
        kind: Kind::Node,
        command: &["http_express.mjs"],
        writes: false,
    },
    Peer {
        name: "NestJS",
        kind: Kind::Node,
        command: &["http_nest.mjs"],
        writes: false,
    },
    Peer {
        name: "Django, gunicorn, 2 processes",
        kind: Kind::Python,
        command: &[
            "gunicorn",
            "-w",
            "2",
            "--threads",
            "4",
            "--backlog",
            "4096",
            "--keep-alive",
            "30",
            "-b",
            "127.0.0.1:PORT",
            "--log-level",
            "error",
            "http_django:application",
        ],
        writes: false,
    },
    Peer {
        name: "Express + pg, 16 connections",
        kind: Kind::Node,
        command: &["http_express.mjs"],
        writes: true,
    },
    Peer {
        name: "FastAPI + asyncpg, 16 connections",
        kind: Kind::Python,
        command: &[
            "uvicorn",
            "http_fastapi:app",
            "--port",
            "PORT",
            "--no-access-log",
            "--log-level",
            "warning",
        ],
        writes: true,
    },
];

/// Those that could be installed.
pub struct Peers {
    node: Option<Node>,
    python: Option<PathBuf>,
    gin: Option<PathBuf>,
}

impl Peers {
    /// Nobody.
    pub fn none() -> Self {
        Self {
            node: None,
            python: None,
            gin: None,
        }
    }

    /// Installs what can be, and says what cannot.
    pub async fn install(bench: &Bench) -> Self {
        fn or_say<T>(what: &str, installed: anyhow::Result<T>) -> Option<T> {
            installed.map_err(|error| println!("without {what}: {error:#}")).ok()
        }
        let packages = [
            "express@5",
            "pg@8",
            "@nestjs/core@12",
            "@nestjs/common@12",
            "@nestjs/platform-express@12",
            "reflect-metadata@0.2",
            "rxjs@7",
        ];
        Self {
            node: or_say("Express and NestJS", Node::install(&bench.folder, &packages).await),
            python: or_say("FastAPI and Django", python(bench).await),
            gin: or_say("Gin", gin(bench).await),
        }
    }

    fn has(&self, kind: Kind) -> bool {
        match kind {
            Kind::Node => self.node.is_some(),
            Kind::Python => self.python.is_some(),
            Kind::Go => self.gin.is_some(),
        }
    }

    /// Those that answer from memory.
    pub fn that_read(&self) -> impl Iterator<Item = &'static Peer> {
        PEERS.iter().filter(|peer| !peer.writes && self.has(peer.kind))
    }

    /// Those that insert.
    pub fn that_write(&self) -> impl Iterator<Item = &'static Peer> {
        PEERS.iter().filter(|peer| peer.writes && self.has(peer.kind))
    }

    /// Starts one, and returns the address of its tasks.
    pub async fn start(&self, peer: &Peer, database: &str) -> anyhow::Result<(Running, String)> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = match (peer.kind, &self.node, &self.python, &self.gin) {
            (Kind::Node, Some(node), ..) => {
                let mut command = Command::new(node.program());
                command.arg(node.script(peer.command[0])?);
                command
            }
            (Kind::Python, _, Some(python), _) => {
                let mut command = Command::new(python.join("bin").join(peer.command[0]));
                let args = peer.command[1..]
                    .iter()
                    .map(|arg| arg.replace("PORT", &port.to_string()));
                command.args(args).current_dir(Bench::peers_source());
                command
            }
            (Kind::Go, .., Some(gin)) => Command::new(gin),
            _ => anyhow::bail!("it is not installed"),
        };
        command
            .env("PORT", port.to_string())
            .env("NODE_ENV", "production")
            .env("PYTHONDONTWRITEBYTECODE", "1");
        if peer.writes {
            command.env("DATABASE_URL", database);
        }
        let running = Running::start(&mut command)?;
        let deadline = Instant::now() + Duration::from_secs(30);
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            anyhow::ensure!(Instant::now() < deadline, "nobody listens");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // The other processes of those that have several.
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok((running, format!("http://127.0.0.1:{port}/api/v1/tasks")))
    }
}

/// A virtual environment with the packages.
async fn python(bench: &Bench) -> anyhow::Result<PathBuf> {
    let folder = bench.folder.join("python");
    if !folder.join("installed").exists() {
        let place = folder.to_str().context("a plain name")?;
        process::output_of("python3".as_ref(), &["-m", "venv", place], &[]).await?;
        let args = [
            "install",
            "-q",
            "fastapi",
            "uvicorn[standard]",
            "asyncpg",
            "django",
            "gunicorn",
        ];
        process::output_of(&folder.join("bin/pip"), &args, &[]).await?;
        std::fs::write(folder.join("installed"), "")?;
    }
    Ok(folder)
}

/// The program, built with the packages of the distribution.
async fn gin(bench: &Bench) -> anyhow::Result<PathBuf> {
    /// Where Debian's packages of Go libraries are.
    const LIBRARIES: &str = "/usr/share/gocode";
    let folder = bench.folder.join("go");
    let program = folder.join("gin");
    if !program.exists() {
        anyhow::ensure!(
            std::path::Path::new(LIBRARIES)
                .join("src/github.com/gin-gonic/gin")
                .exists(),
            "its package is missing (on Debian or Ubuntu: apt-get install golang-go golang-github-gin-gonic-gin-dev)"
        );
        let source = folder.join("src/bench");
        std::fs::create_dir_all(&source)?;
        std::fs::copy(Bench::peers_source().join("http_gin.go"), source.join("main.go"))?;
        let path = format!("{}:{LIBRARIES}", folder.display());
        let (program, cache) = (program.to_str().context("a plain name")?, folder.join("cache"));
        let envs = [
            ("GO111MODULE", "off"),
            ("GOPATH", path.as_str()),
            ("GOCACHE", cache.to_str().context("a plain name")?),
        ];
        process::output_of("go".as_ref(), &["build", "-o", program, "bench"], &envs).await?;
    }
    Ok(program)
}

//! How the server is set up: flags, the environment, a file, in this order.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Parser, Subcommand, ValueEnum};
use orchestrator_core::domain::placement::Policy;
use serde::Deserialize;

/// Runs tasks for fleets of AI agents: keeps them, hands them to workers and tells everyone what happens.
///
/// Every flag may also be set in the environment, or under its name (with `_` for `-`) in the file of --config. A flag goes
/// before the environment, and that before the file.
#[derive(Debug, Parser)]
#[command(name = "orchestrator-server", version, about, long_about)]
pub struct Args {
    /// Where to listen [default: 127.0.0.1:8080]
    #[arg(long, env = "ORCHESTRATOR_LISTEN", value_name = "ADDR")]
    listen: Option<String>,
    /// The database: `sqlite:FILE`, `postgres://USER:PASSWORD@HOST/NAME`, or `memory:`, which is gone with the process
    /// [default: sqlite:orchestrator.db]
    #[arg(
        long,
        env = "ORCHESTRATOR_DATABASE",
        value_name = "URL",
        hide_env_values = true,
        global = true
    )]
    database: Option<String>,
    /// How many connections to PostgreSQL read at the same time, beside the one that writes and the one that listens
    /// [default: 8]
    #[arg(long, env = "ORCHESTRATOR_DATABASE_READERS", value_name = "N")]
    database_readers: Option<u32>,
    /// Whether the database's schema is brought up to date at start; where not, one that is not is refused [default: true]
    #[arg(long, env = "ORCHESTRATOR_MIGRATE", value_name = "BOOL")]
    migrate: Option<bool>,
    /// The Redis that the servers of a fleet share: `redis://USER:PASSWORD@HOST:PORT/DB`, or `rediss://` for TLS. It carries
    /// live events and wake-ups, what workers say of their machines, and the counts of requests; none by default, and the
    /// database carries events and wake-ups then
    #[arg(long, env = "ORCHESTRATOR_REDIS", value_name = "URL", hide_env_values = true)]
    redis: Option<String>,
    /// What our names in Redis begin with; fleets that share a Redis take different ones [default: orchestrator]
    #[arg(long, env = "ORCHESTRATOR_REDIS_PREFIX", value_name = "NAME")]
    redis_prefix: Option<String>,
    /// A file with these settings
    #[arg(long, env = "ORCHESTRATOR_CONFIG", value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// A token that may do everything, to make the others with; giving one makes the server ask everyone for a token
    #[arg(long, env = "ORCHESTRATOR_ADMIN_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    admin_token: Option<String>,
    /// A file with the certificates of the server, for TLS (PEM); needs --tls-key
    #[arg(long, env = "ORCHESTRATOR_TLS_CERTIFICATE", value_name = "FILE")]
    tls_certificate: Option<PathBuf>,
    /// A file with the key of the certificate (PEM)
    #[arg(long, env = "ORCHESTRATOR_TLS_KEY", value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// An origin whose pages may call the server, or `*`; may be repeated
    #[arg(
        long,
        env = "ORCHESTRATOR_CORS_ORIGINS",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    cors_origins: Vec<String>,
    /// A folder with the app for browsers, which `make web` builds into target/dashboard; by default the one that is built
    /// into the program, if one is
    #[arg(long, env = "ORCHESTRATOR_DASHBOARD", value_name = "DIR")]
    dashboard: Option<PathBuf>,
    /// The largest body of a request, in bytes [default: 16777216]
    #[arg(long, env = "ORCHESTRATOR_MAX_BODY_BYTES", value_name = "N")]
    max_body_bytes: Option<usize>,
    /// How many requests one caller may make in a second; no limit by default
    #[arg(long, env = "ORCHESTRATOR_REQUESTS_PER_SECOND", value_name = "N")]
    requests_per_second: Option<u32>,
    /// How long a worker may be silent before its tasks are given to others, in seconds [default: 15]
    #[arg(long, env = "ORCHESTRATOR_LEASE_S", value_name = "SECONDS")]
    lease_s: Option<f64>,
    /// What counts how much when workers are compared: `tools`, `resources`, `balance`, `affinity`, `success`, `cost`, and
    /// `margin` and `head_start_s`; docs/placement.md says what each means
    #[arg(
        long,
        env = "ORCHESTRATOR_PLACEMENT",
        value_name = "NAME=NUMBER",
        value_delimiter = ','
    )]
    placement: Vec<String>,
    /// How long tasks are kept after they ended, in days; for ever by default
    #[arg(long, env = "ORCHESTRATOR_RETENTION_DAYS", value_name = "DAYS")]
    retention_days: Option<f64>,
    /// How long requests may take to finish when the server is told to stop, in seconds [default: 10]
    #[arg(long, env = "ORCHESTRATOR_SHUTDOWN_S", value_name = "SECONDS")]
    shutdown_s: Option<f64>,
    /// How the log is written, on stderr [default: text]
    #[arg(long, env = "ORCHESTRATOR_LOG_FORMAT", value_name = "FORMAT")]
    log_format: Option<LogFormat>,
    /// The OpenTelemetry collector that traces are sent to, by OTLP over HTTP: `http://HOST:4318`; none by default. Needs a
    /// build with the feature `otel`
    #[arg(long, env = "ORCHESTRATOR_OTLP", value_name = "URL")]
    otlp: Option<String>,
    /// What to do instead of serving.
    #[command(subcommand)]
    command: Option<Command>,
}

/// What the program can do instead of serving.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Brings the schema of the database up to date, or takes steps of it back
    Migrate(Migrate),
}

/// How the schema is changed by hand. Without a flag it is brought up to date.
#[derive(Debug, Clone, clap::Args)]
pub struct Migrate {
    /// Only say what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// Only print the SQL that would be run, as a script for `psql` or `sqlite3`
    #[arg(long, conflicts_with = "dry_run")]
    pub sql: bool,
    /// Take this many steps back: what they brought is dropped with everything in it
    #[arg(long, value_name = "N")]
    pub down: Option<usize>,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// A line for people.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

/// The file of --config.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    listen: Option<String>,
    database: Option<String>,
    database_readers: Option<u32>,
    migrate: Option<bool>,
    redis: Option<String>,
    redis_prefix: Option<String>,
    admin_token: Option<String>,
    tls_certificate: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    cors_origins: Vec<String>,
    dashboard: Option<PathBuf>,
    max_body_bytes: Option<usize>,
    requests_per_second: Option<u32>,
    lease_s: Option<f64>,
    placement: Policy,
    retention_days: Option<f64>,
    shutdown_s: Option<f64>,
    log_format: Option<LogFormat>,
    otlp: Option<String>,
}

/// A certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The certificates, as PEM.
    pub certificate: PathBuf,
    /// The key, as PEM.
    pub key: PathBuf,
}

/// How the server is set up.
#[derive(Clone)]
pub struct Config {
    /// Where it listens. Defaults to 127.0.0.1:8080; port 0 takes any.
    pub listen: SocketAddr,
    /// The database. Defaults to `sqlite:orchestrator.db`.
    pub database: String,
    /// How many connections to PostgreSQL read at the same time. Defaults to 8.
    pub database_readers: u32,
    /// Whether the database's schema is brought up to date at start. Defaults to true.
    pub migrate: bool,
    /// The Redis of the fleet, if there is one.
    pub redis: Option<String>,
    /// What our names in Redis begin with. Defaults to `orchestrator`.
    pub redis_prefix: Option<String>,
    /// A token that may do everything. None: nobody is asked for a token, and the server listens on loopback only.
    pub admin_token: Option<String>,
    /// TLS, if it is wanted.
    pub tls: Option<Tls>,
    /// Origins whose pages may call the server.
    pub cors_origins: Vec<String>,
    /// A folder with the app for browsers. None: the one that is built in, if one is.
    pub dashboard: Option<PathBuf>,
    /// The largest body of a request.
    pub max_body_bytes: usize,
    /// How many requests one caller may make in a second.
    pub requests_per_second: Option<u32>,
    /// How long a worker may be silent. Defaults to 15 s.
    pub lease: Duration,
    /// How workers that may run a task are compared.
    pub placement: Policy,
    /// How long tasks are kept after they ended. None: for ever.
    pub retention: Option<Duration>,
    /// How long requests may take to finish when the server is told to stop. Defaults to 10 s.
    pub shutdown: Duration,
    /// How the log is written.
    pub log_format: LogFormat,
    /// The collector that traces are sent to, for [`crate::init_telemetry`].
    pub otlp: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            database: "sqlite:orchestrator.db".to_owned(),
            database_readers: 8,
            migrate: true,
            redis: None,
            redis_prefix: None,
            admin_token: None,
            tls: None,
            cors_origins: Vec::new(),
            dashboard: None,
            max_body_bytes: 16 << 20,
            requests_per_second: None,
            lease: Duration::from_secs(15),
            placement: Policy::default(),
            retention: None,
            shutdown: Duration::from_secs(10),
            log_format: LogFormat::Text,
            otlp: None,
        }
    }
}

/// URLs and tokens are secrets.
impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("listen", &self.listen)
            .field("tls", &self.tls)
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}

impl Args {
    /// What to do instead of serving, if anything.
    pub fn instead(&self) -> Option<Command> {
        self.command.clone()
    }
}

impl Config {
    /// The database that flags, the environment or the file name, for those who only want that.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn database(args: &Args) -> Result<String, Vec<String>> {
        let file = match &args.config {
            Some(path) => read(path).map_err(|problem| vec![problem])?,
            None => File::default(),
        };
        let named = args.database.clone().or(file.database);
        Ok(named.unwrap_or_else(|| Self::default().database))
    }

    /// What flags, the environment and the file say together.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, a line each.
    pub fn load(args: Args) -> Result<Self, Vec<String>> {
        let file = match &args.config {
            Some(path) => read(path).map_err(|problem| vec![problem])?,
            None => File::default(),
        };
        Self::merge(args, file)
    }

    fn merge(args: Args, file: File) -> Result<Self, Vec<String>> {
        let defaults = Self::default();
        let mut problems = Vec::new();
        let listen = args
            .listen
            .or(file.listen)
            .map_or(Ok(defaults.listen), |text| address(&text));
        let tls = match (
            args.tls_certificate.or(file.tls_certificate),
            args.tls_key.or(file.tls_key),
        ) {
            (Some(certificate), Some(key)) => Some(Tls { certificate, key }),
            (None, None) => None,
            _ => {
                problems.push("tls: a certificate and a key belong together; give both".to_owned());
                None
            }
        };
        let mut seconds = |name: &str, value: Option<f64>, unit: f64, least: f64| match value {
            None => None,
            Some(n) if n.is_finite() && n >= least && n * unit < 1e10 => Some(Duration::from_secs_f64(n * unit)),
            Some(n) => {
                problems.push(format!("{name}: {n} is not a time of at least {least}"));
                None
            }
        };
        let lease = seconds("lease_s", args.lease_s.or(file.lease_s), 1.0, 1.0);
        let day = 86_400.0;
        let retention = seconds("retention_days", args.retention_days.or(file.retention_days), day, 0.0);
        let shutdown = seconds("shutdown_s", args.shutdown_s.or(file.shutdown_s), 1.0, 0.0);
        let placement = placement(file.placement, &args.placement, &mut problems);
        let config = Self {
            listen: listen.unwrap_or_else(|problem| {
                problems.push(problem);
                defaults.listen
            }),
            database: args.database.or(file.database).unwrap_or(defaults.database),
            database_readers: args
                .database_readers
                .or(file.database_readers)
                .unwrap_or(defaults.database_readers),
            migrate: args.migrate.or(file.migrate).unwrap_or(defaults.migrate),
            redis: args.redis.or(file.redis),
            redis_prefix: args.redis_prefix.or(file.redis_prefix),
            admin_token: args.admin_token.or(file.admin_token),
            tls,
            cors_origins: if args.cors_origins.is_empty() {
                file.cors_origins
            } else {
                args.cors_origins
            },
            dashboard: args.dashboard.or(file.dashboard),
            max_body_bytes: args
                .max_body_bytes
                .or(file.max_body_bytes)
                .unwrap_or(defaults.max_body_bytes),
            requests_per_second: args.requests_per_second.or(file.requests_per_second),
            lease: lease.unwrap_or(defaults.lease),
            placement,
            retention,
            shutdown: shutdown.unwrap_or(defaults.shutdown),
            log_format: args.log_format.or(file.log_format).unwrap_or_default(),
            otlp: args.otlp.or(file.otlp),
        };
        problems.extend(config.problems());
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }

    /// Everything that is wrong with it; nothing when it is empty.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.admin_token.is_none() && !self.listen.ip().is_loopback() {
            problems.push(format!(
                "listen: {} can be reached by others, and nobody is asked for a token; set ORCHESTRATOR_ADMIN_TOKEN, or \
                 listen on 127.0.0.1",
                self.listen
            ));
        }
        if self.admin_token.as_ref().is_some_and(|token| token.len() < 16) {
            problems
                .push("admin_token: must have at least 16 characters; make one with `openssl rand -hex 32`".to_owned());
        }
        if self.redis.is_none() && self.redis_prefix.is_some() {
            problems.push("redis_prefix: there is no Redis; give its URL with --redis too".to_owned());
        }
        if self.database_readers == 0 {
            problems.push("database_readers: somebody must be able to read; take 1 or more".to_owned());
        }
        let placement = self.placement.problems().into_iter();
        problems.extend(placement.map(|problem| format!("placement.{problem}")));
        if self.max_body_bytes == 0 {
            problems.push("max_body_bytes: must be more than nothing".to_owned());
        }
        if self.requests_per_second == Some(0) {
            problems.push("requests_per_second: 0 would let nobody in; leave it out for no limit".to_owned());
        }
        problems
    }
}

/// The policy of the file with what the flags change of it.
fn placement(mut policy: Policy, flags: &[String], problems: &mut Vec<String>) -> Policy {
    for flag in flags {
        let parts = flag
            .split_once('=')
            .map(|(name, number)| (name.trim(), number.trim().parse()));
        let known = matches!(parts, Some((name, Ok(number))) if policy.set(name, number));
        if !known {
            problems.push(format!(
                "placement: `{flag}` is not NAME=NUMBER with a name of tools, resources, balance, affinity, success, cost, \
                 margin and head_start_s"
            ));
        }
    }
    policy
}

fn read(path: &Path) -> Result<File, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    toml::from_str(&text).map_err(|error| format!("{}: {}", path.display(), error.to_string().trim_end()))
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let with_host = if text.starts_with(':') {
        format!("127.0.0.1{text}")
    } else {
        text.to_owned()
    };
    let with_host = with_host.replace("localhost:", "127.0.0.1:");
    with_host
        .parse()
        .map_err(|_| format!("listen: `{text}` is not an address like 127.0.0.1:8080"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(flags: &[&str], file: &str) -> Result<Config, Vec<String>> {
        let args = Args::parse_from(["orchestrator-server"].iter().chain(flags));
        Config::merge(args, toml::from_str(file).expect("a file"))
    }

    #[test]
    fn a_flag_goes_before_the_file() {
        let config = load(&["--listen", ":9000"], "listen = \"127.0.0.1:1\"\nlease_s = 20").expect("it is right");
        assert_eq!(config.listen.port(), 9000);
        assert_eq!(config.lease, Duration::from_secs(20));
        assert_eq!(config.database, "sqlite:orchestrator.db");
    }

    #[test]
    fn placement_is_set_number_by_number() {
        let config = load(
            &["--placement", "affinity=9,head_start_s=0.5"],
            "[placement]\naffinity = 2\ncost = 0",
        );
        let expected = Policy {
            affinity: 9.0,
            head_start_s: 0.5,
            cost: 0.0,
            ..Policy::default()
        };
        assert_eq!(config.expect("it is right").placement, expected);
        let problems = load(&["--placement", "luck=1,cost=-1,tools"], "").expect_err("it is wrong");
        let all = problems.join("\n");
        for part in ["`luck=1`", "`tools`", "placement.cost: -1"] {
            assert!(all.contains(part), "{all}");
        }
        assert!(toml::from_str::<File>("[placement]\nluck = 1").is_err());
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let problems = load(
            &[
                "--listen",
                "0.0.0.0:80",
                "--tls-key",
                "x.pem",
                "--lease-s=-1",
                "--max-body-bytes",
                "0",
            ],
            "",
        )
        .expect_err("it is wrong");
        let all = problems.join("\n");
        for part in ["listen: 0.0.0.0:80", "tls:", "lease_s", "max_body_bytes"] {
            assert!(all.contains(part), "{all}");
        }
    }

    #[test]
    fn others_are_only_let_in_with_a_token() {
        assert!(load(&["--listen", "0.0.0.0:80"], "").is_err());
        assert!(load(&["--listen", "0.0.0.0:80", "--admin-token", "short"], "").is_err());
        let secret = "0123456789abcdef";
        let config = load(&["--listen", "0.0.0.0:80", "--admin-token", secret], "").expect("it is right");
        assert!(!format!("{config:?}").contains(secret), "secrets are not shown");
    }
}

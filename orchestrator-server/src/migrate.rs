//! Changing the schema of a database by hand.

use std::fmt::Write as _;

use orchestrator_core::store::{StoreError, sqlite};
use orchestrator_postgres::{Dialect, PostgresOptions, Step, script};

pub use crate::config::Migrate;
use crate::store::{is_postgres, sqlite_path, unknown};

/// A database whose schema can be changed.
enum Place<'u> {
    Sqlite(&'u str),
    Postgres(&'u str, PostgresOptions),
}

/// Changes the schema of the database of a URL, and says what was done; or only says what would be.
///
/// # Errors
///
/// [`StoreError::Unusable`] with what to do.
pub async fn run(url: &str, how: &Migrate) -> Result<String, StoreError> {
    let place = Place::of(url)?;
    let steps = place.steps().await?;
    let to = target(&steps, how.down);
    if how.sql {
        return Ok(script(place.dialect(), &steps, to));
    }
    if !how.dry_run {
        place.go(to).await?;
    }
    Ok(tell(&steps, to, how.dry_run))
}

impl<'u> Place<'u> {
    fn of(url: &'u str) -> Result<Self, StoreError> {
        if is_postgres(url) {
            return Ok(Self::Postgres(url, PostgresOptions::default()));
        }
        if url == "memory:" {
            let message = "`memory:` has no schema; name the database with --database";
            return Err(StoreError::Unusable(message.to_owned()));
        }
        let path = url.strip_prefix("sqlite:").ok_or_else(|| unknown(url))?;
        Ok(Self::Sqlite(sqlite_path(path)))
    }

    fn dialect(&self) -> Dialect<'_> {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_, options) => Dialect::Postgres(&options.schema),
        }
    }

    async fn steps(&self) -> Result<Vec<Step>, StoreError> {
        match self {
            Self::Sqlite(path) => sqlite::migrations(path).await,
            Self::Postgres(url, options) => orchestrator_postgres::migrations(url, options).await,
        }
    }

    async fn go(&self, to: i64) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(path) => sqlite::migrate(path, to).await,
            Self::Postgres(url, options) => orchestrator_postgres::migrate(url, options, to).await,
        }
    }
}

/// The version to go to: the newest, or so many steps back from where the database is.
fn target(steps: &[Step], down: Option<usize>) -> i64 {
    let Some(down) = down else {
        return steps.last().map_or(0, |step| step.version);
    };
    let mut applied = steps.iter().rev().filter(|step| step.applied);
    applied.nth(down).map_or(0, |step| step.version)
}

/// A line for every step, with what was or would be done.
fn tell(steps: &[Step], to: i64, dry: bool) -> String {
    let mut told = String::new();
    for step in steps {
        let what = match (step.applied, step.version <= to, dry) {
            (false, true, false) => "applied now",
            (false, true, true) => "would be applied",
            (true, false, false) => "taken back now",
            (true, false, true) => "would be taken back",
            (true, true, _) => "applied",
            (false, false, _) => "not applied",
        };
        let _ = writeln!(told, "{:04} {:<12} {what}", step.version, step.name);
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(applied: i64) -> Vec<Step> {
        let step = |version| Step {
            version,
            name: format!("s{version}"),
            up: format!("create table t{version} (n int);"),
            down: format!("drop table t{version};"),
            checksum: vec![0xab],
            applied: version <= applied,
        };
        (1..=4).map(step).collect()
    }

    #[test]
    fn goes_to_the_newest_or_so_many_steps_back() {
        for (applied, down, to) in [
            (0, None, 4),
            (2, None, 4),
            (4, Some(0), 4),
            (4, Some(1), 3),
            (2, Some(1), 1),
            (2, Some(9), 0),
            (0, Some(1), 0),
        ] {
            assert_eq!(target(&steps(applied), down), to, "{applied} {down:?}");
        }
    }

    #[test]
    fn says_what_happens_to_every_step() {
        let told = tell(&steps(3), 4, false);
        assert!(
            told.contains("0003 s3           applied\n0004 s4           applied now"),
            "{told}"
        );
        let told = tell(&steps(3), 2, true);
        assert!(
            told.contains("would be taken back\n0004 s4           not applied"),
            "{told}"
        );
    }

    #[test]
    fn a_script_does_only_what_is_missing() {
        let up = script(Dialect::Sqlite, &steps(3), 4);
        assert!(up.starts_with("begin immediate;") && up.ends_with("commit;\n"));
        assert!(up.contains("create table t4") && !up.contains("t3"), "{up}");
        let down = script(Dialect::Postgres("orchestrator"), &steps(3), 1);
        let (third, second) = (down.find("drop table t3"), down.find("drop table t2"));
        assert!(third < second && second.is_some() && !down.contains("t1"), "{down}");
        assert!(script(Dialect::Sqlite, &steps(4), 4).starts_with("--"));
    }
}

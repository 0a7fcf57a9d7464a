//! A migration, for those who look at them one by one.

use sqlx::migrate::{Migration, Migrator};

/// A step of a schema, which can be taken and taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its number; steps are taken in this order.
    pub version: i64,
    /// What it brings.
    pub name: String,
    /// The SQL that takes it.
    pub up: String,
    /// The SQL that takes it back.
    pub down: String,
    /// What tells that a step that was taken is this one.
    pub checksum: Vec<u8>,
    /// Whether the database has it.
    pub applied: bool,
}

/// Every step, in order, given which ones a database has.
pub fn steps(migrator: &Migrator, applied: &[i64]) -> Vec<Step> {
    let sql = |found: Option<&Migration>| found.map(|m| m.sql.as_str().to_owned()).unwrap_or_default();
    let of = |up: &Migration| {
        let back = migrator
            .iter()
            .find(|m| m.version == up.version && m.migration_type.is_down_migration());
        Step {
            version: up.version,
            name: up.description.to_string(),
            up: sql(Some(up)),
            down: sql(back),
            checksum: up.checksum.to_vec(),
            applied: applied.contains(&up.version),
        }
    };
    let ups = migrator.iter().filter(|m| m.migration_type.is_up_migration());
    ups.map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_can_be_taken_back_and_none_is_skipped() {
        for migrator in [&crate::SQLITE, &crate::POSTGRES] {
            let steps = steps(migrator, &[2]);
            let versions: Vec<i64> = steps.iter().map(|step| step.version).collect();
            assert!(versions.is_sorted(), "{versions:?}");
            assert_eq!(versions.last(), Some(&crate::newest(migrator)));
            for step in &steps {
                assert!(!step.up.is_empty() && !step.down.is_empty(), "{}", step.name);
                assert_eq!(step.applied, step.version == 2);
            }
        }
    }
}

//! What may happen to a fleet.

use std::{fmt, time::Duration};

use orchestrator_protocol::{Timestamp, WorkerId};
use orchestrator_testkit::chance::Chance;
use sqlx::{Connection, PgConnection};
use tokio::time::sleep;

use crate::{fleet::Fleet, time::now};

/// Something that happens to a fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `kill -9` of a worker, which is started again later.
    KillWorker,
    /// A worker that is frozen for longer than its lease.
    FreezeWorker,
    /// `SIGTERM` to a worker, which is started again.
    DrainWorker,
    /// `kill -9` of a server.
    KillServer,
    /// A server that is frozen for a while.
    FreezeServer,
    /// `SIGTERM` to one server after the other, as by an upgrade.
    RollServers,
    /// `kill -9` of PostgreSQL.
    KillPostgres,
    /// `kill -9` of one of PostgreSQL's processes, after which it starts over by itself.
    KillBackend,
    /// `kill -9` of Redis.
    KillRedis,
    /// All connections to the servers are cut, several times.
    CutServers,
    /// Nothing passes between a server and those who call it.
    StallServer,
    /// All connections to the servers are dead, and nobody is told.
    StrandServers,
    /// All connections to PostgreSQL are cut, several times.
    CutDatabase,
    /// Nothing passes between the servers and PostgreSQL.
    StallDatabase,
    /// All connections to PostgreSQL are dead, and nobody is told.
    StrandDatabase,
    /// All connections of PostgreSQL are taken, and those of the servers cut.
    Exhaust,
    /// Somebody's transaction holds rows that the servers write all the time.
    HoldRows,
}

impl Fault {
    /// Every fault that there is.
    pub const ALL: [Self; 17] = [
        Self::KillWorker,
        Self::FreezeWorker,
        Self::DrainWorker,
        Self::KillServer,
        Self::FreezeServer,
        Self::RollServers,
        Self::KillPostgres,
        Self::KillBackend,
        Self::KillRedis,
        Self::CutServers,
        Self::StallServer,
        Self::StrandServers,
        Self::CutDatabase,
        Self::StallDatabase,
        Self::StrandDatabase,
        Self::Exhaust,
        Self::HoldRows,
    ];
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A worker that was gone from one moment on.
#[derive(Debug, Clone, Copy)]
pub struct Loss {
    pub worker: WorkerId,
    pub at: Timestamp,
}

/// Lets something happen to a fleet, and makes it whole again. Says which worker was lost.
pub async fn strike(fleet: &mut Fleet, fault: Fault, chance: &mut Chance) -> Option<Loss> {
    let lease = fleet.plan.lease();
    let outage = chance.millis(300, 1_500);
    match fault {
        Fault::KillWorker | Fault::FreezeWorker | Fault::DrainWorker => {
            return worker(fleet, fault, chance.place(fleet.workers.len())).await;
        }
        Fault::KillServer => {
            let number = chance.place(fleet.servers.len());
            fleet.servers[number].process.kill();
            sleep(outage).await;
            fleet.restart_server(number).await;
        }
        Fault::FreezeServer => {
            let process = &fleet.servers[chance.place(fleet.servers.len())].process;
            process.signal("STOP");
            sleep(lease / 2).await;
            process.signal("CONT");
        }
        Fault::RollServers => {
            for number in 0..fleet.servers.len() {
                fleet.servers[number].process.terminate().await;
                fleet.restart_server(number).await;
            }
        }
        Fault::KillPostgres => {
            fleet.postgres.kill();
            sleep(outage).await;
            fleet.postgres.start().await;
        }
        Fault::KillBackend => fleet.postgres.kill_backend().await,
        Fault::KillRedis => {
            if let Some(redis) = &fleet.redis {
                redis.kill();
                sleep(outage).await;
                redis.start_again().await;
            }
        }
        Fault::CutServers | Fault::CutDatabase => {
            for _ in 0..chance.between(2, 5) {
                if fault == Fault::CutDatabase {
                    fleet.database.cut();
                } else {
                    fleet.servers.iter().for_each(|server| server.proxy.cut());
                }
                sleep(chance.millis(20, 400)).await;
            }
        }
        Fault::StallServer => {
            let proxy = &fleet.servers[chance.place(fleet.servers.len())].proxy;
            proxy.stall(true);
            sleep(lease).await;
            proxy.stall(false);
        }
        Fault::StrandServers => fleet.servers.iter().for_each(|server| server.proxy.strand()),
        Fault::StallDatabase => {
            fleet.database.stall(true);
            sleep(outage).await;
            fleet.database.stall(false);
        }
        Fault::StrandDatabase => fleet.database.strand(),
        Fault::Exhaust => {
            let held = take_connections(fleet).await;
            sleep(outage).await;
            give_back(held).await;
        }
        Fault::HoldRows => {
            let held = hold_rows(fleet).await;
            sleep(outage).await;
            let_go(held).await;
        }
    }
    None
}

/// What happens to a worker.
async fn worker(fleet: &mut Fleet, fault: Fault, number: usize) -> Option<Loss> {
    let lease = fleet.plan.lease();
    let id = fleet.worker_id(number).await;
    let at = now();
    match fault {
        Fault::KillWorker => {
            fleet.workers[number].process.kill();
            // Were it back at once, its session would end with that and not with the lease.
            sleep(lease + Duration::from_secs(2)).await;
            fleet.restart_worker(number);
        }
        Fault::FreezeWorker => {
            fleet.workers[number].process.signal("STOP");
            sleep(lease + Duration::from_secs(2)).await;
            fleet.workers[number].process.signal("CONT");
        }
        _ => {
            fleet.workers[number].process.terminate().await;
            fleet.restart_worker(number);
            return None;
        }
    }
    Some(Loss { worker: id, at })
}

/// Locks the rows that are written most, those of sessions and of tasks that are under way, as somebody does who changes
/// something by hand and then goes for lunch.
pub async fn hold_rows(fleet: &Fleet) -> PgConnection {
    let mut somebody = fleet.postgres.connect().await;
    let hold = "begin; select txid_current(); select id from orchestrator.session for update; \
                select key from orchestrator.life where state between 2 and 3 for update";
    sqlx::raw_sql(hold).execute(&mut somebody).await.expect("locks");
    somebody
}

/// Lets go of rows.
pub async fn let_go(mut somebody: PgConnection) {
    sqlx::raw_sql("rollback")
        .execute(&mut somebody)
        .await
        .expect("it was not ended");
}

/// Takes every connection of PostgreSQL, so that the servers find none.
pub async fn take_connections(fleet: &Fleet) -> Vec<PgConnection> {
    // Out with the servers first: those that come back would be sooner than we are.
    fleet.database.refuse(true);
    fleet.postgres.nobody_is_connected().await;
    let held = fleet.postgres.all_connections().await;
    fleet.database.refuse(false);
    held
}

/// Gives connections back.
pub async fn give_back(held: Vec<PgConnection>) {
    for connection in held {
        let _ = connection.close().await;
    }
}

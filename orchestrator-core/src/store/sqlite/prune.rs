//! Forgetting trees that ended long ago.

use std::collections::HashSet;

use orchestrator_protocol::Timestamp;

use super::{
    codec::{chunk, column, life},
    disk::{SqliteDisk, Stage},
    sql::numbers,
};
use crate::store::{row::Key, writer::Fault};

/// Roots that ended before a moment with everything below them: parameters are the moment, keys and a number.
const OLD: &str = "select t.key from task t join life l on l.key=t.key where t.parent is null and l.finished_at<? \
    and not exists (select 1 from task c join life cl on cl.key=c.key where c.root=t.key and cl.state<7) ";

/// The query that looks for trees to forget, for a reading connection. Its parameters are the moment and a number.
pub(super) fn candidates() -> String {
    format!("{OLD}order by t.key limit ?")
}

/// Forgets those of the candidates that still are old: how many trees that is, and every task of them.
pub(super) async fn prune(
    disk: &mut SqliteDisk,
    stage: &mut Stage,
    candidates: &[Key],
    before: Timestamp,
) -> Result<(usize, Vec<Key>), Fault> {
    let sql = format!("{OLD}and t.key in (select value from json_each(?))");
    let list = numbers(candidates.iter().map(|key| key.0));
    let rows = disk.see(stage, &sql, |args| {
        args.int(before.as_micros());
        args.text(list);
    });
    let roots: Vec<i64> = rows.await?.iter().map(|row| column(row, 0)).collect::<Result<_, _>>()?;
    let list = numbers(roots.iter().copied());
    let sql = "select key from task where root in (select value from json_each(?)) union all \
               select value from json_each(?)";
    let rows = disk.see(stage, sql, |args| {
        args.text(list.as_str());
        args.text(list.as_str());
    });
    let keys: Vec<i64> = rows.await?.iter().map(|row| column(row, 0)).collect::<Result<_, _>>()?;
    forget(disk, stage, &keys).await?;
    Ok((roots.len(), keys.into_iter().map(Key).collect()))
}

/// Rows of events that hold some of tasks: `seq,first,body`. The walk is the one that reads histories.
const EVENTS: &str = "with recursive walk(row,previous) as (\
    select e.seq,l.last_event-cast(substr(e.links,1+12*(l.last_event-e.first),12) as integer) \
    from json_each(?) j join life l on l.key=j.value \
    join event e on e.seq=(select min(seq) from event where seq>=l.last_event) union all \
    select e.seq,w.previous-cast(substr(e.links,1+12*(w.previous-e.first),12) as integer) from walk w \
    join event e on e.seq=(select min(seq) from event where seq>=w.previous) where w.previous>0) \
    select seq,first,body from event where seq in (select row from walk)";

/// Forgets the events of tasks. A row that holds those of others too stays, without these.
async fn forget_events(disk: &mut SqliteDisk, stage: &mut Stage, keys: &[i64]) -> Result<(), Fault> {
    let tasks: HashSet<i64> = keys.iter().copied().collect();
    let rows = disk.see(stage, EVENTS, |args| args.text(numbers(keys.iter().copied())));
    let mut empty = Vec::new();
    for row in &rows.await? {
        let seq: i64 = column(row, 0)?;
        match chunk::without(row, &tasks)? {
            None => empty.push(seq),
            Some(body) => {
                let args = stage.script.push("update event set body=? where seq=?");
                args.bytes(&body);
                args.int(seq);
            }
        }
    }
    let sql = "delete from event where seq in (select value from json_each(?))";
    disk.see(stage, sql, |args| args.text(numbers(empty))).await?;
    Ok(())
}

async fn forget(disk: &mut SqliteDisk, stage: &mut Stage, keys: &[i64]) -> Result<(), Fault> {
    if keys.is_empty() {
        return Ok(());
    }
    forget_events(disk, stage, keys).await?;
    let list = numbers(keys.iter().copied());
    let sql = "select wall from life where key in (select value from json_each(?))";
    let rows = disk.see(stage, sql, |args| args.text(list.as_str())).await?;
    let seconds = rows.iter().map(|row| life::seconds_of(column(row, 0)?));
    let seconds: f64 = seconds.sum::<Result<_, _>>()?;
    stage.script.push("update total set n=n-? where id=14").real(seconds);
    for sql in [
        "update total set n=n-(select count(*) from life where state=total.id \
         and key in (select value from json_each(?))) where id<10",
        "update total set n=n-coalesce((select sum(more->>('$.usage['||(total.id-10)||']')) from life \
         where key in (select value from json_each(?))),0) where id between 10 and 13",
        "delete from log where task in (select value from json_each(?))",
        "delete from step where task in (select value from json_each(?))",
        "delete from edge where target in (select value from json_each(?))",
        "delete from edge where waiter in (select value from json_each(?))",
        "delete from aside where (state,key) in (select state,key from life \
         where key in (select value from json_each(?)))",
        "delete from due where key in (select value from json_each(?))",
        "delete from result where key in (select value from json_each(?))",
        "delete from life where key in (select value from json_each(?))",
        "delete from task where key in (select value from json_each(?))",
    ] {
        disk.see(stage, sql, |args| args.text(list.as_str())).await?;
    }
    Ok(())
}

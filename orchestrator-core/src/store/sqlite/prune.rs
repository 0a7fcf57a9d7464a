//! Forgetting trees that ended long ago.

use orchestrator_protocol::Timestamp;

use super::{
    codec::column,
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

async fn forget(disk: &mut SqliteDisk, stage: &mut Stage, keys: &[i64]) -> Result<(), Fault> {
    if keys.is_empty() {
        return Ok(());
    }
    let list = numbers(keys.iter().copied());
    for sql in [
        "update total set n=n-(select count(*) from life where state=total.id \
         and key in (select value from json_each(?))) where id<10",
        "update total set n=n-coalesce((select sum(more->>('$.usage['||(total.id-10)||']')) from life \
         where key in (select value from json_each(?))),0) where id>=10",
        "delete from event where seq in (with recursive walk(seq) as (select last_event from life \
         where key in (select value from json_each(?)) union all \
         select e.previous from walk w join event e on e.seq=w.seq where e.previous>0) select seq from walk)",
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

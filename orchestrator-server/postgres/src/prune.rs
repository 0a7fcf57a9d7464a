//! Forgetting trees that ended long ago.

use orchestrator_core::store::{row::Key, writer::Fault};
use orchestrator_protocol::Timestamp;

use crate::{
    codec::column,
    disk::{PostgresDisk, Stage, numbers},
    writes::add,
};

/// Roots that ended before a moment ($1) with everything below them.
const OLD: &str = "select t.key from task t join life l on l.key=t.key where t.parent is null and l.finished_at<$1 \
    and not exists (select 1 from task c join life cl on cl.key=c.key where c.root=t.key and cl.state<7) ";

/// The query that looks for trees to forget, for a reading connection. Its parameters are the moment and a number.
pub(crate) fn candidates() -> String {
    format!("{OLD}order by t.key limit $2")
}

/// Forgets those of the candidates that still are old: how many trees that is, and every task of them.
pub(crate) async fn prune(
    disk: &mut PostgresDisk,
    stage: &mut Stage,
    candidates: &[Key],
    before: Timestamp,
) -> Result<(usize, Vec<Key>), Fault> {
    let sql = format!("{OLD}and t.key=any($2)");
    let rows = disk.see(stage, sql, |args| {
        add(args, before.as_micros());
        add(args, numbers(candidates));
    });
    let roots: Vec<i64> = rows.await?.iter().map(|row| column(row, 0)).collect::<Result<_, _>>()?;
    if roots.is_empty() {
        return Ok((0, Vec::new()));
    }
    let sql = "select key from task where root=any($1) union all select unnest($1)";
    let rows = disk.see(stage, sql, |args| add(args, roots.clone())).await?;
    let keys: Vec<i64> = rows.iter().map(|row| column(row, 0)).collect::<Result<_, _>>()?;
    disk.fence_in(stage).await?;
    for sql in FORGET {
        disk.rows(sql, |args| add(args, keys.clone())).await?;
    }
    Ok((roots.len(), keys.into_iter().map(Key).collect()))
}

/// What goes, and what the totals lose.
const FORGET: [&str; 11] = [
    "insert into total(n) select array_agg(-n order by id) from (select s.id,(select count(*) from life \
     where key=any($1) and state=s.id)::float8 n from generate_series(0,9) s(id) union all \
     select 10+u.id,coalesce((select sum((more::json#>>array['usage',u.id::text])::float8) from life \
     where key=any($1) and more is not null),0) from generate_series(0,4) u(id)) counts",
    "delete from event where seq in (with recursive walk(seq) as (select last_event from life \
     where key=any($1) union all \
     select e.previous from walk w join event e on e.seq=w.seq where e.previous>0) select seq from walk)",
    "delete from log where task=any($1)",
    "delete from step where task=any($1)",
    "delete from edge where target=any($1)",
    "delete from edge where waiter=any($1)",
    "delete from aside using life l where l.key=any($1) and aside.state=l.state and aside.key=l.key",
    "delete from due where key=any($1)",
    "delete from result where key=any($1)",
    "delete from life where key=any($1)",
    "delete from task where key=any($1)",
];

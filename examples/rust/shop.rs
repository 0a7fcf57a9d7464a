//! A shop with a table of its own in the same PostgreSQL: `shop URL`. An order and the task that writes its invoice are
//! stored together, or neither is.
#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use std::time::Duration;

use anyhow::Context as _;
use orchestrator_core::{AgentError, Json, NewTask, TaskContext, agent, protocol::TaskId};
use orchestrator_postgres::Outbox;
use sqlx::PgPool;

/// Takes an order. The transaction ends with the function: unless it was committed, nothing has happened.
async fn order(pool: &PgPool, outbox: &Outbox, id: i64, in_stock: bool) -> anyhow::Result<TaskId> {
    let mut tx = pool.begin().await?;
    let insert = sqlx::query("insert into customer_order (id) values ($1)").bind(id);
    insert.execute(&mut *tx).await?;
    let invoice = outbox
        .submit_in(&mut tx, NewTask::new("invoice", Json::of(&id)?))
        .await?;
    anyhow::ensure!(in_stock, "order {id}: sold out");
    tx.commit().await?;
    Ok(invoice)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let url = std::env::args().nth(1).context("usage: shop URL")?;
    let orchestrator = orchestrator_postgres::open(&url).await?;
    orchestrator.register(agent("invoice", |_: TaskContext, order: i64| async move {
        Ok::<_, AgentError>(format!("invoice for order {order}"))
    }))?;
    orchestrator.start()?;

    let pool = PgPool::connect(&url).await?;
    sqlx::query("create table customer_order (id bigint primary key)")
        .execute(&pool)
        .await?;
    let outbox = Outbox::new("orchestrator")?;
    if let Err(error) = order(&pool, &outbox, 1, false).await {
        println!("{error}");
    }
    let invoice = order(&pool, &outbox, 2, true).await?;
    let text: String = orchestrator.task(invoice).output().await?;
    println!("{text}");
    let orders: i64 = sqlx::query_scalar("select count(*) from customer_order")
        .fetch_one(&pool)
        .await?;
    println!("{orders} order");
    orchestrator.shutdown(Duration::from_secs(10)).await;
    Ok(())
}

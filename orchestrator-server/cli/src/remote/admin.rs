//! Looking after a fleet.

use std::collections::BTreeSet;

use orchestrator_client::{Client, api::all};
use orchestrator_core::protocol::{LimitRule, Worker, WorkerState};

use crate::{
    args::{Limits, LimitsAction, Token, TokenAction, Workers, WorkersAction},
    exit::{Exit, Failure},
    output::Output,
};

pub(super) async fn workers(workers: &Workers, client: &Client, output: Output) -> Result<Exit, Failure> {
    match &workers.action {
        None => {
            let page = all(async |page| client.workers(page).await).await?;
            output.result(&page, || {
                let lines: Vec<String> = page.items.iter().map(worker).collect();
                if lines.is_empty() {
                    "no workers are connected; start one with `orchestrator-worker --server URL`".to_owned()
                } else {
                    lines.join("\n")
                }
            });
        }
        Some(WorkersAction::Drain { worker: wanted }) => {
            let page = all(async |page| client.workers(page).await).await?;
            let found: Vec<&Worker> = page
                .items
                .iter()
                .filter(|worker| worker.name == *wanted || worker.id.to_string().starts_with(wanted.as_str()))
                .collect();
            let [one] = found.as_slice() else {
                let message = format!(
                    "`{wanted}` names {} workers; `orchestrator workers` lists them",
                    found.len()
                );
                return Err(Failure::usage(message));
            };
            let drained = client.drain(one.id).await?;
            output.result(&drained, || {
                format!(
                    "{} finishes what it has ({} running) and takes no more",
                    drained.name, drained.running
                )
            });
        }
    }
    Ok(Exit::Success)
}

fn worker(worker: &Worker) -> String {
    let state = match worker.state {
        WorkerState::Online => "online",
        WorkerState::Draining => "draining",
        WorkerState::Offline => "offline",
    };
    let percent =
        |name: &str, value: Option<f64>| value.map(|value| format!("  {name} {value:.0} %")).unwrap_or_default();
    format!(
        "{}  {state:<8}  {}/{} slots{}{}  {}  {}",
        worker.id,
        worker.running,
        worker.slots,
        percent("cpu", worker.cpu_percent),
        percent("memory", worker.memory_percent),
        worker.name,
        worker.labels.iter().cloned().collect::<Vec<_>>().join(" ")
    )
}

pub(super) async fn limits(limits: &Limits, client: &Client, output: Output) -> Result<Exit, Failure> {
    match &limits.action {
        None => {
            let page = all(async |page| client.limits(page).await).await?;
            output.result(&page, || {
                let line = |limit: &orchestrator_client::api::Limit| format!("{}  {}", limit.key, rule(&limit.rule));
                let lines: Vec<String> = page.items.iter().map(line).collect();
                if lines.is_empty() {
                    "no limits".to_owned()
                } else {
                    lines.join("\n")
                }
            });
        }
        Some(LimitsAction::Set {
            key,
            max_running,
            starts_per_minute,
            tokens_per_minute,
        }) => {
            let wanted = LimitRule {
                max_running: *max_running,
                starts_per_minute: *starts_per_minute,
                tokens_per_minute: *tokens_per_minute,
            };
            if wanted == LimitRule::default() {
                return Err(Failure::usage(
                    "say what is limited: --max-running, --starts-per-minute, --tokens-per-minute",
                ));
            }
            let set = client.put_limit(key, &wanted).await?;
            output.result(&set, || format!("{key}  {}", rule(&set)));
        }
        Some(LimitsAction::Remove { key }) => {
            client.delete_limit(key).await?;
            output.result(&serde_json::json!({"removed": key}), || {
                format!("{key} has no limit any more")
            });
        }
    }
    Ok(Exit::Success)
}

fn rule(rule: &LimitRule) -> String {
    let parts = [
        rule.max_running.map(|n| format!("{n} at once")),
        rule.starts_per_minute.map(|n| format!("{n} starts a minute")),
        rule.tokens_per_minute.map(|n| format!("{n} tokens a minute")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

pub(super) async fn token(token: &Token, client: &Client, output: Output) -> Result<Exit, Failure> {
    match &token.action {
        TokenAction::List => {
            let page = all(async |page| client.tokens(page).await).await?;
            output.result(&page, || {
                let line = |token: &orchestrator_core::protocol::Token| {
                    let roles: Vec<&str> = token.roles.iter().map(|role| role.as_str()).collect();
                    let ends = token.expires_at.map(|at| format!("  until {at}")).unwrap_or_default();
                    format!("{}  {}  {}{ends}", token.id, roles.join(","), token.name)
                };
                let lines: Vec<String> = page.items.iter().map(line).collect();
                if lines.is_empty() {
                    "no tokens".to_owned()
                } else {
                    lines.join("\n")
                }
            });
        }
        TokenAction::Create { name, role, expires_at } => {
            let roles: BTreeSet<_> = role.iter().copied().collect();
            let minted = client.create_token(name, &roles, *expires_at).await?;
            output.remark("this is shown once; keep it safe:");
            output.result(&minted, || minted.secret.clone());
        }
        TokenAction::Revoke { id } => {
            client.delete_token(*id).await?;
            output.result(&serde_json::json!({"revoked": id}), || format!("{id} is revoked"));
        }
    }
    Ok(Exit::Success)
}

//! A release that goes on for as long as somebody looks, and says what it does.

use std::time::Duration;

use orchestrator_core::{AgentError, TaskContext};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

/// A release.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Pipeline {
    /// Of what.
    pub(crate) service: String,
    /// How long between lines, in milliseconds.
    pub(crate) every_ms: u64,
}

/// The regions that it goes through, again and again.
const REGIONS: [&str; 4] = ["eu-west-1", "us-east-1", "ap-south-1", "sa-east-1"];

pub(super) async fn pipeline(ctx: TaskContext, pipeline: Pipeline) -> Result<(), AgentError> {
    let Pipeline { service, every_ms } = pipeline;
    for build in 412_u32.. {
        for (n, region) in REGIONS.into_iter().enumerate() {
            let host = 3 * build % 17 + n as u32;
            let lines = [
                format!("==> {service} #{build}: {region}"),
                format!("pulling registry.internal/{service}:{build} (48.{} MB)", host % 10),
                format!("host {region}-{host:02}: draining 4 connections"),
                format!("host {region}-{host:02}: started in {} ms", 180 + 7 * host),
                format!("health: 200 OK in {} ms, p99 {} ms", 11 + host % 5, 84 + host),
            ];
            for line in lines {
                ctx.log(line).await;
                sleep(Duration::from_millis(every_ms)).await;
            }
            if n == 2 {
                ctx.output(
                    "stderr",
                    format!("warning: {region}-{host:02}: clock is 212 ms off, NTP was asked again"),
                )
                .await;
            }
            ctx.progress((n as f64 + 1.0) / REGIONS.len() as f64).await;
        }
    }
    Ok(())
}

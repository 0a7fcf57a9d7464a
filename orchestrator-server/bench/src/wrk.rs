//! Load over HTTP, by the program `wrk`.

use std::path::Path;

use anyhow::Context;
use serde_json::Value;

use crate::process;

/// What one run saw.
pub struct Load {
    pub per_second: f64,
    pub average_ms: f64,
    pub p99_ms: f64,
    /// Requests that were refused, cut or not answered.
    pub failed: f64,
}

/// What is asked.
pub enum Ask<'a> {
    Get,
    Post(&'a str),
}

/// Prints the figures as one line of JSON, and makes requests if they are more than a GET.
const SCRIPT: &str = r#"
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('{"requests":%d,"us":%d,"average_us":%f,"p99_us":%d,"failed":%d}\n', summary.requests,
    summary.duration, latency.mean, latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
"#;

/// A thousand connections for so many seconds.
///
/// # Errors
///
/// `wrk` is missing, or found nobody.
pub async fn run(folder: &Path, url: &str, ask: Ask<'_>, connections: usize, seconds: u64) -> anyhow::Result<Load> {
    let mut script = SCRIPT.to_owned();
    if let Ask::Post(body) = ask {
        script.push_str("wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\n");
        script.extend(["wrk.body = [==[", body, "]==]\n"]);
    }
    let file = folder.join("wrk.lua");
    std::fs::write(&file, script)?;
    let (connections, seconds) = (format!("-c{connections}"), format!("-d{seconds}s"));
    let file = file.to_str().context("a plain name")?;
    let args = ["-t1", &connections, &seconds, "--timeout", "10s", "-s", file, url];
    let output = process::output_of(Path::new("wrk"), &args, &[]).await;
    let output = output.context("wrk makes the load (on Debian or Ubuntu: apt-get install wrk)")?;
    let line = output.lines().find(|line| line.starts_with("{\"requests\""));
    let said: Value = serde_json::from_str(line.context("wrk said nothing")?)?;
    let number = |name: &str| said[name].as_f64().unwrap_or(f64::NAN);
    Ok(Load {
        per_second: number("requests") / number("us") * 1e6,
        average_ms: number("average_us") / 1e3,
        p99_ms: number("p99_us") / 1e3,
        failed: number("failed"),
    })
}

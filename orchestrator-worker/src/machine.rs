//! What a machine offers: its tools, its kind and size, and how busy it is.

mod hardware;
mod load;
mod tools;

use std::collections::BTreeSet;

pub use load::probe;
pub use tools::{TOOLS, Tool};

/// Everything that is found on this machine, as labels: `os:`, `arch:`, `cpu=`, `memory_gb=`, `gpu`, and `tool:` with
/// `version:` for each tool. That it is `local` only people can say.
pub async fn labels() -> BTreeSet<String> {
    let mut labels = hardware::labels();
    labels.extend(tools::labels(&TOOLS).await);
    labels
}

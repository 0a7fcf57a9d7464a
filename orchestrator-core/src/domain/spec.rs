//! Whether what a submitter says of a task makes sense.

use orchestrator_protocol::{NewTask, Usd};

/// The longest name of a type, queue, label, key or step, in bytes.
pub const MAX_NAME: usize = 512;

/// The longest input, in bytes of JSON: 64 MiB.
pub const MAX_INPUT: usize = 64 << 20;

/// A rule that a field breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The field.
    pub field: &'static str,
    /// What is wrong with it and what to do.
    pub message: String,
}

/// The first rule that a task breaks.
pub fn check(task: &NewTask) -> Result<(), Fault> {
    let fault = |field, message: String| Err(Fault { field, message });
    if let Err(message) = check_name(&task.task_type) {
        return fault("task_type", message);
    }
    if let Err(message) = check_name(&task.queue) {
        return fault("queue", message);
    }
    if !(1..=10).contains(&task.priority) {
        return fault(
            "priority",
            format!("{} is not within 1 (first) and 10 (last)", task.priority),
        );
    }
    if task.input.get().len() > MAX_INPUT {
        return fault(
            "input",
            format!("is {} bytes; at most {MAX_INPUT}", task.input.get().len()),
        );
    }
    for (field, seconds) in [
        ("timeout_s", task.timeout_s),
        ("silence_timeout_s", task.silence_timeout_s),
    ] {
        if seconds.is_some_and(|s| !s.is_finite() || s <= 0.0) {
            return fault(field, "must be a number of seconds above 0".to_owned());
        }
    }
    check_retry(task)?;
    let cost = task.budget.as_ref().and_then(|budget| budget.cost_usd);
    if cost.is_some_and(|cost| cost < Usd::ZERO) {
        return fault("budget", "cost_usd is an amount from 0 on".to_owned());
    }
    if task.idempotency_key.as_deref().is_some_and(|k| check_name(k).is_err()) {
        return fault("idempotency_key", format!("must be 1 to {MAX_NAME} bytes long"));
    }
    for (field, labels) in [
        ("requires", &task.requires),
        ("prefers", &task.prefers),
        ("limits", &task.limits),
    ] {
        for label in labels {
            if let Err(message) = check_name(label) {
                return fault(field, message);
            }
        }
    }
    for (key, value) in &task.labels {
        if check_name(key).is_err() || value.len() > MAX_NAME {
            return fault(
                "labels",
                format!("keys and values are at most {MAX_NAME} bytes, keys at least one"),
            );
        }
    }
    Ok(())
}

fn check_retry(task: &NewTask) -> Result<(), Fault> {
    let retry = &task.retry;
    let fault = |message: &str| {
        Err(Fault {
            field: "retry",
            message: message.to_owned(),
        })
    };
    if retry.max_attempts == 0 {
        return fault("max_attempts is at least 1, the first attempt included");
    }
    if [retry.initial_backoff_s, retry.max_backoff_s]
        .into_iter()
        .any(|s| !s.is_finite() || s < 0.0)
    {
        return fault("backoffs are numbers of seconds from 0 on");
    }
    if !retry.multiplier.is_finite() || retry.multiplier < 1.0 {
        return fault("multiplier is at least 1");
    }
    Ok(())
}

/// Whether a text can be a name.
pub fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("must not be empty".to_owned());
    }
    if name.len() > MAX_NAME {
        return Err(format!("is {} bytes long; at most {MAX_NAME}", name.len()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use orchestrator_protocol::{Budget, Json};

    use super::*;

    fn fault(change: impl FnOnce(&mut NewTask)) -> Option<&'static str> {
        let mut task = NewTask::new("digest", Json::NULL);
        change(&mut task);
        check(&task).err().map(|f| f.field)
    }

    #[test]
    fn each_rule_names_its_field() {
        assert_eq!(fault(|_| {}), None);
        assert_eq!(fault(|t| t.task_type.clear()), Some("task_type"));
        assert_eq!(fault(|t| t.queue = "q".repeat(MAX_NAME + 1)), Some("queue"));
        assert_eq!(fault(|t| t.priority = 0), Some("priority"));
        assert_eq!(fault(|t| t.priority = 11), Some("priority"));
        assert_eq!(fault(|t| t.timeout_s = Some(0.0)), Some("timeout_s"));
        assert_eq!(
            fault(|t| t.silence_timeout_s = Some(f64::NAN)),
            Some("silence_timeout_s")
        );
        let owes = |t: &mut NewTask| {
            t.budget = Some(Budget {
                cost_usd: Some(Usd::from_dollars(-0.01)),
                tokens: None,
            });
        };
        assert_eq!(fault(owes), Some("budget"));
        assert_eq!(fault(|t| t.retry.max_attempts = 0), Some("retry"));
        assert_eq!(fault(|t| t.retry.multiplier = 0.5), Some("retry"));
        assert_eq!(fault(|t| t.retry.initial_backoff_s = -1.0), Some("retry"));
        assert_eq!(
            fault(|t| t.idempotency_key = Some(String::new())),
            Some("idempotency_key")
        );
        assert_eq!(fault(|t| t.requires = vec![String::new()]), Some("requires"));
        assert_eq!(
            fault(|t| {
                t.labels.insert(String::new(), String::new());
            }),
            Some("labels")
        );
    }
}

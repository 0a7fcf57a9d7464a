//! Whether a tree has spent what it may.

use orchestrator_protocol::{Attention, Budget, Need, Task, Usage};

/// Whether what was spent has reached the budget. An empty budget allows everything.
pub fn is_spent(budget: &Budget, spent: &Usage) -> bool {
    budget.tokens.is_some_and(|max| spent.tokens() >= max) || budget.cost_usd.is_some_and(|max| spent.cost_usd >= max)
}

/// What was spent and what is allowed, in words.
pub fn in_words(budget: &Budget, spent: &Usage) -> String {
    let mut parts = Vec::new();
    if let Some(max) = budget.tokens {
        parts.push(format!("{} of {max} tokens", spent.tokens()));
    }
    if let Some(max) = budget.cost_usd {
        parts.push(format!(
            "{:.4} of {:.4} USD",
            spent.cost_usd.as_dollars(),
            max.as_dollars()
        ));
    }
    parts.join(", ")
}

/// Whether a task's own budget is spent by it and what is below it.
pub fn is_spent_by(task: &Task) -> bool {
    task.budget
        .as_ref()
        .is_some_and(|budget| is_spent(budget, &task.tree_usage))
}

/// What a person has to know of a task whose budget is spent.
pub fn attention(task: &Task) -> Attention {
    let words = task.budget.as_ref().map(|budget| in_words(budget, &task.tree_usage));
    let numbers = words.filter(|words| !words.is_empty());
    let numbers = numbers.map(|words| format!(" ({words})")).unwrap_or_default();
    Attention {
        need: Need::BudgetExhausted,
        task_id: task.id,
        task_type: task.task_type.clone(),
        message: format!("the budget is spent{numbers}"),
    }
}

#[cfg(test)]
mod tests {
    use orchestrator_protocol::Usd;

    use super::*;

    #[test]
    fn spent_when_either_is_reached() {
        let budget = Budget {
            tokens: Some(100),
            cost_usd: Some(Usd::from_dollars(1.0)),
        };
        let spent = |tokens, dollars| {
            is_spent(
                &budget,
                &Usage {
                    input_tokens: tokens,
                    cost_usd: Usd::from_dollars(dollars),
                    ..Usage::default()
                },
            )
        };
        assert!(!spent(99, 0.99));
        assert!(spent(100, 0.0));
        assert!(spent(0, 1.0));
        assert!(!is_spent(
            &Budget::default(),
            &Usage {
                input_tokens: u64::MAX,
                ..Usage::default()
            }
        ));
    }
}

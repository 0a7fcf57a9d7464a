//! Whether a tree has spent what it may.

use orchestrator_protocol::{Budget, Usage};

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

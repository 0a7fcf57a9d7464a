//! What tasks spend, and budgets that stop them.

use orchestrator_protocol::{EventBody, EventType, Usage};

use super::work::Work;
use crate::{
    domain::budget,
    store::{
        error::StoreError,
        row::{Hold, Key},
        tx::Tx,
    },
};

impl<T: Tx> Work<'_, T> {
    /// Adds what a task spent to it and to all above it, and stops every tree whose budget is spent by it.
    pub(super) async fn spend(&mut self, key: Key, usage: &Usage, told: bool) -> Result<(), StoreError> {
        let now = self.now;
        let row = self.change(key);
        row.usage += usage;
        if let Some(worker) = row.worker.filter(|_| row.lease.is_some()) {
            let spec = row.spec.clone();
            self.tx.observed().spent(worker, &spec.task_type, usage.cost_usd, now);
        }
        if told {
            self.record(
                key,
                EventType::TaskUsage,
                EventBody {
                    usage: Some(usage.clone()),
                    ..EventBody::default()
                },
            );
        }
        let mut at = Some(key);
        let mut spent = Vec::new();
        while let Some(here) = at {
            self.load_keys(&[here]).await?;
            let row = self.change(here);
            row.tree_usage += usage;
            let over = row
                .spec
                .budget
                .as_ref()
                .is_some_and(|b| budget::is_spent(b, &row.tree_usage));
            if over && !row.budget_lifted && row.held != Some(Hold::Budget) && !row.state.is_terminal() {
                spent.push(here);
            }
            at = row.parent;
        }
        for here in spent {
            self.stop_spending(here).await?;
        }
        Ok(())
    }

    /// Starts nothing more of a tree until a person says so.
    async fn stop_spending(&mut self, key: Key) -> Result<(), StoreError> {
        let row = self.row(key);
        let words = row
            .spec
            .budget
            .as_ref()
            .map(|b| budget::in_words(b, &row.tree_usage))
            .unwrap_or_default();
        let body = EventBody {
            state: Some(row.state),
            text: Some(format!("the budget is spent: {words}; resume it to go on regardless")),
            ..EventBody::default()
        };
        self.record(key, EventType::TaskState, body);
        self.flush().await?;
        let below = self.tx.unsettled_below(&[key]).await?;
        let below = self.adopt(below);
        self.hold(key, Hold::Budget)?;
        for key in below {
            self.hold(key, Hold::Budget)?;
        }
        Ok(())
    }
}

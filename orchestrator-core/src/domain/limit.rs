//! How many tasks a limit lets start now.

use std::{collections::HashMap, time::Duration};

use orchestrator_protocol::LimitRule;

use crate::store::row::LaneId;

/// The window in which starts are counted.
pub const START_WINDOW: Duration = Duration::from_mins(1);

/// How much room is left under each limit key, derived from live leases and recorded starts.
#[derive(Debug, Default)]
pub struct Room {
    left: HashMap<String, u32>,
}

impl Room {
    /// The room under each rule, given the limit keys of each lane and, by lane, how many leases are live, and how many
    /// starts were made and how many tokens were spent in the window.
    ///
    /// Tokens are counted when they are reported: what runs may still spend more. A key whose tokens are spent lets
    /// nothing start until enough of them are a minute old.
    pub fn new(
        rules: &[(String, LimitRule)],
        lanes: &HashMap<LaneId, Vec<String>>,
        running: &[(LaneId, u32)],
        started: &[(LaneId, u32)],
        spent: &[(LaneId, u64)],
    ) -> Self {
        let by_key = |counts: &[(LaneId, u32)], key: &str| -> u32 {
            counts
                .iter()
                .filter(|(lane, _)| lanes.get(lane).is_some_and(|keys| keys.iter().any(|k| k == key)))
                .map(|(_, n)| n)
                .sum()
        };
        let tokens = |key: &str| -> u64 {
            let counted = spent.iter();
            let counted = counted.filter(|(lane, _)| lanes.get(lane).is_some_and(|keys| keys.iter().any(|k| k == key)));
            counted.map(|(_, n)| n).sum()
        };
        let left = rules
            .iter()
            .map(|(key, rule)| {
                let slots = rule
                    .max_running
                    .map_or(u32::MAX, |max| max.saturating_sub(by_key(running, key)));
                let starts = rule
                    .starts_per_minute
                    .map_or(u32::MAX, |max| max.saturating_sub(by_key(started, key)));
                let paid = rule.tokens_per_minute.is_none_or(|max| tokens(key) < max);
                (key.clone(), if paid { slots.min(starts) } else { 0 })
            })
            .collect();
        Self { left }
    }

    /// Whether every key has room.
    pub fn has(&self, keys: &[String]) -> bool {
        keys.iter().all(|key| self.left.get(key) != Some(&0))
    }

    /// Takes one place under each key, if every one has room.
    pub fn take(&mut self, keys: &[String]) -> bool {
        if !self.has(keys) {
            return false;
        }
        for key in keys {
            if let Some(left) = self.left.get_mut(key) {
                *left = left.saturating_sub(1);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_what_leases_and_starts_leave() {
        let lanes = HashMap::from([
            (LaneId(0), vec!["a".to_owned()]),
            (LaneId(1), vec!["a".to_owned(), "b".to_owned()]),
        ]);
        let rules = [
            (
                "a".to_owned(),
                LimitRule {
                    max_running: Some(4),
                    ..LimitRule::default()
                },
            ),
            (
                "b".to_owned(),
                LimitRule {
                    starts_per_minute: Some(2),
                    ..LimitRule::default()
                },
            ),
        ];
        let mut room = Room::new(
            &rules,
            &lanes,
            &[(LaneId(0), 1), (LaneId(1), 1)],
            &[(LaneId(1), 1)],
            &[],
        );
        let both = ["a".to_owned(), "b".to_owned()];
        assert!(room.take(&both));
        assert!(!room.take(&both), "b has had its two starts");
        assert!(room.take(&both[..1]));
        assert!(!room.take(&both[..1]), "a runs four");
        assert!(room.take(&["unknown".to_owned()]));
    }

    #[test]
    fn spent_tokens_leave_no_room() {
        let key = "a".to_owned();
        let lanes = HashMap::from([(LaneId(0), vec![key.clone()]), (LaneId(1), vec![key.clone()])]);
        let rule = LimitRule {
            tokens_per_minute: Some(100),
            ..LimitRule::default()
        };
        let rules = [(key.clone(), rule)];
        let room = |spent: &[(LaneId, u64)]| Room::new(&rules, &lanes, &[], &[], spent).has(std::slice::from_ref(&key));
        assert!(room(&[]));
        assert!(room(&[(LaneId(0), 99)]));
        assert!(!room(&[(LaneId(0), 50), (LaneId(1), 50)]), "over all lanes of the key");
        assert!(room(&[(LaneId(0), 50), (LaneId(2), 50)]), "and no other");
    }
}

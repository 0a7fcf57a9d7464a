//! Cutting reports so that each part fits into a frame.

use orchestrator_core::store::ReportItem;

/// Items that go together.
#[derive(Debug, PartialEq)]
pub(super) enum Part {
    Fits(Vec<ReportItem>),
    /// One item that is too long by itself.
    TooLong(usize),
}

/// Cuts a batch into parts that fit into a frame, in order.
pub(super) fn parts(items: Vec<ReportItem>, most: usize) -> Vec<Part> {
    let mut parts = Vec::new();
    let (mut part, mut size) = (Vec::new(), 0);
    for item in items {
        let length = length(&item);
        if length > most {
            if !part.is_empty() {
                parts.push(Part::Fits(std::mem::take(&mut part)));
            }
            size = 0;
            parts.push(Part::TooLong(length));
            continue;
        }
        if size + length > most {
            parts.push(Part::Fits(std::mem::take(&mut part)));
            size = 0;
        }
        size += length;
        part.push(item);
    }
    if !part.is_empty() {
        parts.push(Part::Fits(part));
    }
    parts
}

/// How many bytes an item has as JSON, with the comma after it.
fn length(item: &ReportItem) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(1);
    // What cannot be written is found when it is.
    let _ = serde_json::to_writer(&mut count, item);
    count.0
}

#[cfg(test)]
mod tests {
    use orchestrator_core::store::ReportBody;
    use orchestrator_protocol::{Json, LeaseId};

    use super::*;

    fn item(number: u64, bytes: usize) -> ReportItem {
        ReportItem {
            task: "01930000-0000-7000-8000-000000000001".parse().expect("an id"),
            lease: LeaseId(1),
            number,
            body: ReportBody::Step {
                name: "s".to_owned(),
                output: Json::of(&"x".repeat(bytes)).expect("JSON"),
            },
        }
    }

    #[test]
    fn batches_are_cut_where_they_must_be() {
        let whole: Vec<ReportItem> = (1..=3).map(|n| item(n, 10)).collect();
        assert_eq!(parts(whole.clone(), 10_000), [Part::Fits(whole.clone())]);
        let each = whole
            .iter()
            .cloned()
            .map(|item| Part::Fits(vec![item]))
            .collect::<Vec<_>>();
        assert_eq!(parts(whole.clone(), length(&whole[0])), each);
        let long = vec![item(1, 10), item(2, 1_000), item(3, 10)];
        let cut = parts(long.clone(), 500);
        assert_eq!(cut[0], Part::Fits(vec![long[0].clone()]));
        assert!(matches!(cut[1], Part::TooLong(bytes) if bytes > 1_000));
        assert_eq!(cut[2], Part::Fits(vec![long[2].clone()]));
        assert_eq!(parts(vec![], 1), []);
    }
}

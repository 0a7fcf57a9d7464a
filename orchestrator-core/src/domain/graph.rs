//! The dependencies within a batch: names resolved, circles found.

use std::collections::HashMap;

/// The first circle among `n` nodes, as nodes along it with the first one again at the end; `edges[i]` are the nodes
/// that node `i` depends on.
pub fn find_cycle(edges: &[Vec<usize>]) -> Option<Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let mut marks = vec![Mark::New; edges.len()];
    let mut path: Vec<(usize, usize)> = Vec::new();
    for start in 0..edges.len() {
        if marks[start] != Mark::New {
            continue;
        }
        marks[start] = Mark::Open;
        path.push((start, 0));
        // Depth first with a path of our own: batches may be chains of many thousands.
        while let Some((node, at)) = path.last_mut() {
            let Some(&target) = edges[*node].get(*at) else {
                marks[*node] = Mark::Done;
                path.pop();
                continue;
            };
            *at += 1;
            match marks[target] {
                Mark::Done => {}
                Mark::New => {
                    marks[target] = Mark::Open;
                    path.push((target, 0));
                }
                Mark::Open => {
                    let from = path.iter().position(|(n, _)| *n == target).unwrap_or(0);
                    let mut cycle: Vec<_> = path[from..].iter().map(|(n, _)| *n).collect();
                    cycle.push(target);
                    return Some(cycle);
                }
            }
        }
    }
    None
}

/// The place of each name; the first name that stands twice is the error.
pub fn index<'a>(names: impl Iterator<Item = (usize, &'a str)>) -> Result<HashMap<&'a str, usize>, &'a str> {
    let mut places = HashMap::new();
    for (i, name) in names {
        if places.insert(name, i).is_some() {
            return Err(name);
        }
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn circles_are_shown() {
        assert_eq!(find_cycle(&[vec![0]]), Some(vec![0, 0]));
        assert_eq!(find_cycle(&[vec![1], vec![2], vec![0]]), Some(vec![0, 1, 2, 0]));
        assert_eq!(find_cycle(&[vec![], vec![0], vec![0, 1]]), None);
    }

    #[test]
    fn a_long_chain_needs_no_deep_stack() {
        let edges: Vec<Vec<usize>> = (0..200_000)
            .map(|i: usize| i.checked_sub(1).into_iter().collect())
            .collect();
        assert_eq!(find_cycle(&edges), None);
    }

    proptest! {
        /// Edges that point backwards only never form a circle; closing one always does.
        #[test]
        fn found_exactly_where_there_is_one(edges in prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..4), 2..20)) {
            let mut edges: Vec<Vec<usize>> = edges.iter().enumerate()
                .map(|(i, to)| if i == 0 { vec![] } else { to.iter().map(|t| t.index(i)).collect() })
                .collect();
            prop_assert_eq!(find_cycle(&edges), None);
            let last = edges.len() - 1;
            edges[last].push(0);
            edges[0].push(last);
            let cycle = find_cycle(&edges).expect("a circle");
            prop_assert_eq!(cycle.first(), cycle.last());
            for pair in cycle.windows(2) {
                prop_assert!(edges[pair[0]].contains(&pair[1]));
            }
        }
    }
}

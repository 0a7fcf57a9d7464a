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

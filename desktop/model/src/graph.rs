//! The graph of a tree of tasks, laid out in layers from left to right.
//!
//! A task stands one layer to the right of its parent and of everything it depends on. Within a layer tasks keep the
//! order of their parents, then of their creation, so that new tasks never change places with old ones. Layers with
//! many tasks are folded into columns.

use std::collections::{BTreeMap, HashMap};

use orchestrator_protocol::TaskId;

/// The width of a node.
pub const NODE_WIDTH: f32 = 184.0;
/// The height of a node.
pub const NODE_HEIGHT: f32 = 44.0;
/// The room between layers, where edges run.
const BETWEEN_LAYERS: f32 = 64.0;
/// The room between columns of one layer.
const BETWEEN_COLUMNS: f32 = 16.0;
/// The room between rows.
const BETWEEN_ROWS: f32 = 14.0;
/// A layer with more tasks than this is folded.
const ROWS: usize = 16;

/// What is to be laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The task.
    pub id: TaskId,
    /// The task that it is a part of; none, or one that is not there, for the topmost.
    pub parent: Option<TaskId>,
    /// What must settle before it; what is not there is passed over.
    pub depends_on: Vec<TaskId>,
}

/// Where a task stands: the upper left corner of its node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// The task.
    pub id: TaskId,
    /// From the left.
    pub x: f32,
    /// From the top.
    pub y: f32,
}

/// What an edge means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EdgeKind {
    /// From a parent to a child.
    Child,
    /// From a dependency to what depends on it.
    Dependency,
}

/// A line between two nodes: places in [`Layout::places`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Edge {
    /// Where it begins.
    pub from: usize,
    /// Where it ends.
    pub to: usize,
    /// What it means.
    pub kind: EdgeKind,
}

/// A graph that is laid out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Layout {
    /// Every node, layer by layer.
    pub places: Vec<Place>,
    /// Every line.
    pub edges: Vec<Edge>,
    /// From the leftmost to the rightmost point.
    pub width: f32,
    /// From the topmost to the lowest point.
    pub height: f32,
}

impl Layout {
    /// The node at a point.
    pub fn at(&self, x: f32, y: f32) -> Option<usize> {
        self.places.iter().position(|place| {
            (place.x..place.x + NODE_WIDTH).contains(&x) && (place.y..place.y + NODE_HEIGHT).contains(&y)
        })
    }

    /// Where a task stands.
    pub fn place(&self, id: TaskId) -> Option<usize> {
        self.places.iter().position(|place| place.id == id)
    }

    /// The node that one comes to from another by an arrow key: the nearest in that direction, where what lies straight
    /// ahead is nearer than what lies aside.
    pub fn neighbour(&self, from: usize, dx: f32, dy: f32) -> Option<usize> {
        let here = self.places.get(from)?;
        let distance = |place: &Place| {
            let (x, y) = (place.x - here.x, place.y - here.y);
            let (ahead, aside) = (x * dx + y * dy, x * dy + y * dx);
            (ahead > 1.0).then(|| ahead + 3.0 * aside.abs())
        };
        let near = self
            .places
            .iter()
            .enumerate()
            .filter_map(|(n, place)| Some((n, distance(place)?)));
        near.min_by(|one, other| one.1.total_cmp(&other.1)).map(|(n, _)| n)
    }
}

/// Lays a graph out. Circles, which no server makes, are cut where they are met.
pub fn layout(nodes: &[Node]) -> Layout {
    let index: HashMap<TaskId, usize> = nodes.iter().enumerate().map(|(n, node)| (node.id, n)).collect();
    let before: Vec<Vec<(usize, EdgeKind)>> = nodes.iter().map(|node| before(node, &index)).collect();
    let layers = layers(&before);
    let ranks = ranks(nodes, &index);
    let mut by_layer: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (n, layer) in layers.iter().enumerate() {
        by_layer.entry(*layer).or_default().push(n);
    }
    let mut layout = Layout::default();
    let mut places = vec![0; nodes.len()];
    let mut x = 0.0;
    for members in by_layer.values_mut() {
        members.sort_by_key(|n| ranks[*n]);
        let rows = rows(members.len());
        for (n, member) in members.iter().enumerate() {
            places[*member] = layout.places.len();
            let (column, row) = ((n / rows) as f32, (n % rows) as f32);
            layout.places.push(Place {
                id: nodes[*member].id,
                x: x + column * (NODE_WIDTH + BETWEEN_COLUMNS),
                y: row * (NODE_HEIGHT + BETWEEN_ROWS),
            });
            layout.height = layout.height.max(row * (NODE_HEIGHT + BETWEEN_ROWS) + NODE_HEIGHT);
        }
        let columns = members.len().div_ceil(rows) as f32;
        layout.width = x + columns * (NODE_WIDTH + BETWEEN_COLUMNS) - BETWEEN_COLUMNS;
        x = layout.width + BETWEEN_LAYERS;
    }
    let edges = before.iter().enumerate().flat_map(|(to, before)| {
        let places = &places;
        before.iter().map(move |(from, kind)| Edge {
            from: places[*from],
            to: places[to],
            kind: *kind,
        })
    });
    layout.edges = edges.collect();
    layout
}

/// What a node stands to the right of. A child that depends on its siblings hangs on them alone: the line to its parent
/// would say nothing more.
fn before(node: &Node, index: &HashMap<TaskId, usize>) -> Vec<(usize, EdgeKind)> {
    let known = node.depends_on.iter().filter_map(|id| index.get(id));
    let mut before: Vec<_> = known.map(|n| (*n, EdgeKind::Dependency)).collect();
    if before.is_empty() {
        let parent = node.parent.and_then(|id| index.get(&id));
        before.extend(parent.map(|n| (*n, EdgeKind::Child)));
    }
    before
}

/// Each node's layer: the longest way to it.
fn layers(before: &[Vec<(usize, EdgeKind)>]) -> Vec<usize> {
    let mut layers: Vec<Option<usize>> = vec![None; before.len()];
    // By hand and not by recursion: a chain may be long.
    for start in 0..before.len() {
        let mut way = vec![start];
        let mut on_way = std::collections::HashSet::from([start]);
        while let Some(&node) = way.last() {
            let open = before[node]
                .iter()
                .map(|(n, _)| *n)
                .find(|n| layers[*n].is_none() && !on_way.contains(n));
            if let Some(next) = open {
                way.push(next);
                on_way.insert(next);
                continue;
            }
            let right_of = before[node].iter().filter_map(|(n, _)| layers[*n]).max();
            layers[node] = layers[node].or(Some(right_of.map_or(0, |layer| layer + 1)));
            way.pop();
            on_way.remove(&node);
        }
    }
    layers.into_iter().map(Option::unwrap_or_default).collect()
}

/// The order within layers: that of a walk through the tree, children by their creation (ids begin with the time).
fn ranks(nodes: &[Node], index: &HashMap<TaskId, usize>) -> Vec<usize> {
    let mut children: HashMap<Option<usize>, Vec<usize>> = HashMap::new();
    for (n, node) in nodes.iter().enumerate() {
        let parent = node
            .parent
            .and_then(|id| index.get(&id).copied())
            .filter(|parent| *parent != n);
        children.entry(parent).or_default().push(n);
    }
    for members in children.values_mut() {
        members.sort_by_key(|n| std::cmp::Reverse(nodes[*n].id));
    }
    let mut ranks = vec![usize::MAX; nodes.len()];
    let mut next = 0;
    let mut open = children.remove(&None).unwrap_or_default();
    while let Some(node) = open.pop() {
        ranks[node] = next;
        next += 1;
        open.extend(children.remove(&Some(node)).unwrap_or_default());
    }
    ranks
}

/// How many rows a layer has: it grows in steps, so that new nodes seldom move old ones.
fn rows(nodes: usize) -> usize {
    let mut rows = ROWS;
    while nodes > rows * ROWS {
        rows *= 2;
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::id;

    fn node(n: u64, parent: Option<u64>, depends_on: &[u64]) -> Node {
        Node {
            id: id(n),
            parent: parent.map(id),
            depends_on: depends_on.iter().copied().map(id).collect(),
        }
    }

    /// A root, and below it files that a critique and a report wait for.
    fn review(files: u64) -> Vec<Node> {
        let mut nodes = vec![node(1, None, &[])];
        nodes.extend((0..files).map(|n| node(10 + n, Some(1), &[])));
        let all: Vec<u64> = (0..files).map(|n| 10 + n).collect();
        nodes.push(node(5_000, Some(1), &all));
        nodes.push(node(5_001, Some(1), &[5_000]));
        nodes
    }

    fn place(layout: &Layout, n: u64) -> Place {
        layout.places[layout.place(id(n)).expect("it is there")]
    }

    #[test]
    fn everything_stands_to_the_right_of_what_it_waits_for() {
        let layout = layout(&review(3));
        let xs = [1, 10, 5_000, 5_001].map(|n| place(&layout, n).x);
        assert!(xs.is_sorted_by(|a, b| a + NODE_WIDTH < *b), "{xs:?}");
        assert_eq!(layout.edges.len(), 3 + 3 + 1);
        assert_eq!(
            layout.at(place(&layout, 11).x + 5.0, place(&layout, 11).y + 5.0),
            layout.place(id(11))
        );
        assert_eq!(layout.at(-1.0, -1.0), None);
    }

    #[test]
    fn nothing_lies_on_anything_else() {
        for files in [0, 1, 16, 17, 40, 300, 500] {
            let layout = layout(&review(files));
            let mut corners: Vec<(i64, i64)> = layout.places.iter().map(|p| (p.x as i64, p.y as i64)).collect();
            corners.sort_unstable();
            corners.dedup();
            assert_eq!(corners.len(), files as usize + 3);
            for place in &layout.places {
                assert!(place.x + NODE_WIDTH <= layout.width && place.y + NODE_HEIGHT <= layout.height);
            }
        }
    }

    #[test]
    fn what_is_added_does_not_move_what_is_there() {
        for files in 1..60 {
            let (before, after) = (layout(&review(files)), layout(&review(files + 1)));
            for n in 0..files {
                assert_eq!(place(&before, 10 + n), place(&after, 10 + n), "{files}");
            }
        }
    }

    #[test]
    fn many_are_folded_so_that_they_fit_a_screen() {
        let layout = layout(&review(500));
        let ratio = layout.width / layout.height;
        assert!((0.8..4.0).contains(&ratio), "{ratio}");
    }

    #[test]
    fn circles_and_strangers_do_no_harm() {
        let nodes = [
            node(1, Some(2), &[]),
            node(2, Some(1), &[3]),
            node(3, None, &[2, 99]),
            node(4, Some(4), &[4]),
        ];
        assert_eq!(layout(&nodes).places.len(), 4);
        let chain: Vec<Node> = (0..20_000).map(|n| node(n, n.checked_sub(1), &[])).collect();
        assert_eq!(layout(&chain).places.len(), 20_000);
    }

    #[test]
    fn arrows_go_to_the_nearest() {
        let layout = layout(&review(3));
        let at = |n: u64| layout.place(id(n)).expect("it is there");
        assert_eq!(layout.neighbour(at(1), 1.0, 0.0), Some(at(10)));
        assert_eq!(layout.neighbour(at(10), 0.0, 1.0), Some(at(11)));
        assert_eq!(layout.neighbour(at(12), 1.0, 0.0), Some(at(5_000)));
        assert_eq!(layout.neighbour(at(1), -1.0, 0.0), None);
    }
}

//! Blocks that belong together: a file that is a copy of another has one finding and not one a block, and so has a folder.

use std::collections::BTreeMap;

use super::{Block, Fingerprint};

/// So many files of one folder that have blocks in common with their namesakes in another make one finding.
const FILES: usize = 3;

/// What is told as one finding. The blocks are never empty.
#[derive(Debug)]
pub(super) enum Told {
    /// A block, and all places where it appears again; or all blocks that two files have in common.
    Blocks(Vec<Block>),
    /// The blocks that files of two folders have in common.
    Folders {
        from: String,
        to: String,
        files: usize,
        blocks: Vec<Block>,
    },
}

impl Told {
    pub(super) fn blocks(&self) -> &[Block] {
        match self {
            Self::Blocks(blocks) | Self::Folders { blocks, .. } => blocks,
        }
    }

    /// How much of it there is: the lines that could be removed.
    pub(super) fn size(&self) -> usize {
        let blocks = self.blocks().iter();
        blocks.map(|block| block.length * block.copies.len()).sum()
    }
}

/// Puts together what belongs together.
pub(super) fn gather(prints: &[Fingerprint], blocks: Vec<Block>) -> Vec<Told> {
    let mut told = Vec::new();
    let mut pairs: BTreeMap<(usize, usize), Vec<Block>> = BTreeMap::new();
    for block in blocks {
        let origin = block.origin.0;
        match block.copies.as_slice() {
            [(copy, ..)] if *copy != origin => pairs.entry((origin, *copy)).or_default().push(block),
            _ => told.push(Told::Blocks(vec![block])),
        }
    }
    let mut folders: BTreeMap<(&str, &str), Vec<Vec<Block>>> = BTreeMap::new();
    for ((origin, copy), blocks) in pairs {
        match folders_of(prints[origin].path.as_str(), prints[copy].path.as_str()) {
            Some(pair) => folders.entry(pair).or_default().push(blocks),
            None => told.push(Told::Blocks(blocks)),
        }
    }
    for ((from, to), files) in folders {
        if files.len() < FILES {
            told.extend(files.into_iter().map(Told::Blocks));
        } else {
            told.push(Told::Folders {
                from: from.to_owned(),
                to: to.to_owned(),
                files: files.len(),
                blocks: files.into_iter().flatten().collect(),
            });
        }
    }
    told
}

/// The folders below which two files have the same path: `a` and `b` for `a/x/f.rs` and `b/x/f.rs`. None when not even
/// their names are equal.
fn folders_of<'p>(one: &'p str, other: &'p str) -> Option<(&'p str, &'p str)> {
    let (mut one, mut other) = (one, other);
    let mut same = 0;
    loop {
        let (rest, name) = one.rsplit_once('/').unwrap_or(("", one));
        let (other_rest, other_name) = other.rsplit_once('/').unwrap_or(("", other));
        if name != other_name {
            break;
        }
        (one, other) = (rest, other_rest);
        same += 1;
        if one.is_empty() || other.is_empty() {
            break;
        }
    }
    (same > 0).then_some((one, other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namesakes_have_folders_in_common() {
        for (one, other, expected) in [
            ("a/x/f.rs", "b/x/f.rs", Some(("a", "b"))),
            ("v1/src/core/f.rs", "v2/src/f.rs", Some(("v1/src/core", "v2/src"))),
            ("src/f.rs", "old/src/f.rs", Some(("", "old"))),
            ("f.rs", "old/f.rs", Some(("", "old"))),
            ("a/f.rs", "a/g.rs", None),
        ] {
            assert_eq!(folders_of(one, other), expected, "{one} {other}");
        }
    }
}

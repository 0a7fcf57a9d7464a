//! Blocks of code that appear more than once in a repository.
//!
//! Lines are compared without blanks and comments; imports, lone brackets and bare lists do not count. A block is
//! reported when enough significant lines in a row are equal and they hold logic, not only data.

mod gather;

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use self::gather::{Told, gather};
use super::checks::patterns;
use super::finding::{Confidence, Dimension, Finding, Location, Severity};
use super::options::Limits;
use super::source::{RepoPath, Role, Source};

/// How many earlier places of one window are compared. More are the same block again, or noise.
const CANDIDATES: usize = 8;
/// The longest block that is measured to its end.
const LONGEST: usize = 2_000;
/// A block does not go on over a gap of more lines than this: documented one-line methods in a row are no block.
const LARGEST_GAP: u32 = 12;

patterns! {
    IMPORT = r"^(?:import\b|from\b.+\bimport\b|(?:pub(?:\([^)]*\))?\s+)?(?:use|mod)\s+[\w:{]|extern\s+crate|#\s*(?:include|import|define|if|endif|else|pragma)|using\s+[\w.]+\s*;|package\b|require|export\s+(?:\*|\{|type\s*\{)|(?:const|let|var)\s+[\w{},\s]+=\s*require\b|module\b|__all__)";
    CONSTANT = r"^(?:pub(?:\([^)]*\))?\s+)?(?:export\s+|public\s+|private\s+|static\s+|final\s+)*(?:const|static|final|#define)?\s*(?:\w+\s+)?[A-Z][A-Z0-9_]*\s*[:=]";
    LOGIC = r"[A-Za-z_]\w*[!?]?\s*\(| [-+*/|&]?= |:= |\breturn |^(?:if|for|while|match|switch|case|elif|else if|with|try|loop)\b";
    BARE = r#"^[\s\])}(\[{;,:|&]*$|^(?:end|else|return|break|continue|pass|fi|done|then|do|try|finally|begin|default:)\W*$|^["']?[\w.$]+["']?\s*,?$"#;
}

/// One file's significant lines, small enough to keep for every file of a repository.
#[derive(Debug, Clone, Default)]
pub struct Fingerprint {
    path: RepoPath,
    lines: Vec<Line>,
}

#[derive(Debug, Clone, Copy)]
struct Line {
    number: u32,
    hash: u64,
    /// How it starts: the lines of a table all start alike.
    start: u64,
    /// Characters that count.
    weight: u16,
    /// Calls something, decides something or assigns something.
    logic: bool,
}

impl Fingerprint {
    /// The significant lines of a production file; none for others.
    pub fn of(source: &Source<'_>) -> Self {
        let mut print = Self {
            path: source.path.clone(),
            lines: Vec::new(),
        };
        if source.role != Role::Source || !source.language.is_code() {
            return print;
        }
        let lines = source
            .lines
            .iter()
            .zip(source.mask.comments_by_line())
            .zip(source.mask.code_by_line())
            .zip(1u32..);
        for (((text, comments), code), number) in lines {
            let code = code.trim();
            if code.is_empty() || IMPORT.is_match(code) || BARE.is_match(code) || source.is_test_line(number) {
                continue;
            }
            let kept: Vec<u8> = text
                .bytes()
                .zip(comments.bytes())
                .filter(|(byte, comment)| *comment == b' ' && !byte.is_ascii_whitespace())
                .map(|(byte, _)| byte)
                .collect();
            let weight = kept.iter().filter(|byte| byte.is_ascii_alphanumeric()).count().min(500) as u16;
            // Parameters, fields with a default and constants are lists, not logic.
            let listed = code.ends_with(',') && !code.contains('(') || CONSTANT.is_match(code);
            let logic = !listed && LOGIC.is_match(code);
            if print
                .lines
                .last()
                .is_some_and(|last| number - last.number > LARGEST_GAP)
            {
                print.lines.push(Line {
                    number,
                    hash: gap(&source.path, number),
                    start: 0,
                    weight: 0,
                    logic: false,
                });
            }
            print.lines.push(Line {
                number,
                hash: hash(&kept),
                start: hash(&kept[..kept.len().min(7)]),
                weight,
                logic,
            });
        }
        print
    }

    /// True when both hold the same line.
    fn equal(&self, at: usize, other: &Self, there: usize) -> bool {
        self.lines
            .get(at)
            .zip(other.lines.get(there))
            .is_some_and(|(a, b)| a.hash == b.hash)
    }
}

/// The same for equal values in every run and on every machine: the hasher has no random seed.
fn hash(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// A hash that no line has and no other gap.
fn gap(path: &RepoPath, number: u32) -> u64 {
    hash(&("gap", path, number))
}

/// A block that appears again.
#[derive(Debug)]
struct Block {
    /// The file and the line where it appears first, as indices.
    origin: (usize, usize),
    length: usize,
    /// The file, the line and the length of each copy.
    copies: Vec<(usize, usize, usize)>,
}

/// The duplicated blocks, largest first, those of files and folders that are copies of others put together. The order of
/// `prints` does not matter.
pub fn duplicates(mut prints: Vec<Fingerprint>, limits: &Limits) -> Vec<Finding> {
    prints.sort_by(|a, b| a.path.cmp(&b.path));
    let window = limits.duplicate_lines.max(8) as usize;
    let mut told = gather(&prints, find(&prints, window));
    told.sort_by_key(|told| {
        (
            std::cmp::Reverse(told.size()),
            told.blocks().first().map(|block| block.origin),
        )
    });
    told.iter().filter_map(|told| finding(&prints, told)).collect()
}

/// Walks all files in order; what was seen earlier is the origin, what comes later the copy.
fn find(prints: &[Fingerprint], window: usize) -> Vec<Block> {
    let mut seen: HashMap<u64, Vec<(usize, usize)>> = HashMap::new();
    let mut blocks: BTreeMap<(usize, usize), Block> = BTreeMap::new();
    for (file, print) in prints.iter().enumerate() {
        let mut copied_until = 0;
        for at in 0..print.lines.len().saturating_sub(window - 1) {
            let lines = &print.lines[at..at + window];
            let hashes: Vec<u64> = lines.iter().map(|line| line.hash).collect();
            let places = seen.entry(hash(&hashes)).or_default();
            if at >= copied_until
                && let Some((origin, length)) = longest(prints, places, file, at, window)
            {
                copied_until = at + window / 2;
                if is_worth_telling(&print.lines[at..at + length]) {
                    let block = blocks.entry(origin).or_insert(Block {
                        origin,
                        length,
                        copies: Vec::new(),
                    });
                    block.length = block.length.max(length);
                    block.copies.push((file, at, length));
                    copied_until = at + length;
                }
            }
            if places.len() < CANDIDATES {
                places.push((file, at));
            }
        }
    }
    blocks.into_values().collect()
}

/// The earlier place that is equal for longest; the earliest of equals.
fn longest(
    prints: &[Fingerprint],
    places: &[(usize, usize)],
    file: usize,
    at: usize,
    window: usize,
) -> Option<((usize, usize), usize)> {
    let mut best: Option<((usize, usize), usize)> = None;
    for (other, there) in places {
        let mut length = 0;
        while length < LONGEST
            && prints[file].equal(at + length, &prints[*other], there + length)
            && (*other != file || there + length < at)
        {
            length += 1;
        }
        if length >= window && best.is_none_or(|(_, longest)| length > longest) {
            best = Some(((*other, *there), length));
        }
    }
    best
}

/// Not a table, not the same line over and over, and enough text to be no coincidence.
fn is_worth_telling(lines: &[Line]) -> bool {
    let different = |key: fn(&Line) -> u64| lines.iter().map(key).collect::<std::collections::BTreeSet<u64>>().len();
    let (whole, starts) = (different(|line| line.hash), different(|line| line.start));
    let weight: usize = lines.iter().map(|line| usize::from(line.weight)).sum();
    let logic = lines.iter().filter(|line| line.logic).count();
    whole * 10 >= lines.len() * 7
        && starts * 3 >= lines.len().min(30)
        && weight >= lines.len() * 12
        && logic * 2 >= lines.len()
}

fn finding(prints: &[Fingerprint], told: &Told) -> Option<Finding> {
    let location = |file: usize, at: usize, length: usize| Location {
        file: prints[file].path.clone(),
        line: prints[file].lines[at].number,
        end_line: prints[file].lines[at + length - 1].number,
    };
    let blocks = told.blocks();
    // The longest one stands for all, the first of equals.
    let head = blocks
        .iter()
        .min_by_key(|block| (std::cmp::Reverse(block.length), block.origin))?;
    let origin = location(head.origin.0, head.origin.1, head.length);
    let copies = |block: &Block| -> Vec<Location> {
        let copies = block.copies.iter();
        copies.map(|(file, at, length)| location(*file, *at, *length)).collect()
    };
    let severity = if head.length >= 40 || told.size() >= 80 {
        Severity::Medium
    } else {
        Severity::Low
    };
    let again = again(&origin, &copies(head));
    let lines: usize = blocks.iter().map(|block| block.length).sum();
    let (check, message, why) = match told {
        Told::Blocks(blocks) if blocks.len() == 1 => {
            ("block", format!("{lines} significant lines appear {again}"), BLOCK)
        }
        Told::Blocks(blocks) => (
            "block",
            format!("{lines} significant lines in {} blocks appear {again}", blocks.len()),
            BLOCK,
        ),
        Told::Folders { from, to, files, .. } => {
            let named = |folder: &str| {
                if folder.is_empty() {
                    ".".to_owned()
                } else {
                    folder.to_owned()
                }
            };
            let message = format!(
                "{lines} significant lines in {files} files of {} appear again in {}",
                named(from),
                named(to)
            );
            ("folder", message, FOLDER)
        }
    };
    let check = format!("duplicate.{check}");
    let mut finding = Finding::builtin(&check, severity, Dimension::Architecture, &origin.file)
        .span(origin.line, origin.end_line)
        .confident(Confidence::Medium)
        .says(message, why);
    finding.related = blocks.iter().flat_map(copies).collect();
    Some(finding)
}

const BLOCK: &str =
    "A fault that is fixed in one copy stays in the others. Move the block into one function that all of them call.";
const FOLDER: &str = "One folder is a copy of the other, another version of it, or both come from elsewhere. Keep one, or leave code of others out of the review with --exclude.";

/// Where a block appears again.
fn again(origin: &Location, copies: &[Location]) -> String {
    match copies {
        [only] if only.file == origin.file => format!("again in line {}", only.line),
        [only] => format!("again in {}:{}", only.file, only.line),
        [first, rest @ ..] => format!(
            "again in {}:{} and {}",
            first.file,
            first.line,
            super::checks::plural(rest.len(), "more place")
        ),
        [] => "again".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::source::Language;
    use proptest::prelude::*;

    fn print(path: &str, role: Role, text: &str) -> Fingerprint {
        let path = RepoPath::from(path);
        Fingerprint::of(&Source::new(
            path.clone(),
            Language::detect(&path, ""),
            role,
            false,
            text,
        ))
    }

    fn block(lines: usize, seed: &str) -> String {
        let line = |line| format!("    v{line}_{seed} = compute_the_value({line}, {seed})\n");
        (0..lines).map(line).collect::<Vec<_>>().concat()
    }

    #[test]
    fn a_block_in_two_files_is_found_whatever_its_layout() {
        let text = format!("import os\n{}", block(12, "a"));
        let other = format!(
            "x = 1\n\n{}y = 2\n",
            block(12, "a").replace("    ", "  ").replace(")\n", ")  # why\n\n")
        );
        let prints = vec![print("b.py", Role::Source, &other), print("a.py", Role::Source, &text)];
        let findings = duplicates(prints, &Limits::default());
        assert_eq!(findings.len(), 1);
        assert_eq!(
            (findings[0].place().as_str(), findings[0].end_line),
            ("a.py:2", Some(13))
        );
        assert_eq!(
            findings[0].related,
            [Location {
                file: RepoPath::from("b.py"),
                line: 3,
                end_line: 25
            }]
        );
    }

    #[test]
    fn coincidences_tables_imports_and_tests_are_not() {
        let twenty = |line: fn(u32) -> String| (0..20).map(line).collect::<Vec<_>>().concat();
        let imports = twenty(|n| format!("from package.module{n} import the_thing_number_{n}\n"));
        let table = twenty(|n| format!("    \"a_long_entry_of_a_table_{n}\",\n"));
        let same = "    call_the_same_function_again(x)\n".repeat(30);
        for text in [block(9, "a"), imports, table, same] {
            let prints = vec![print("a.py", Role::Source, &text), print("b.py", Role::Source, &text)];
            assert_eq!(duplicates(prints, &Limits::default()), vec![], "{text}");
        }
        let text = block(30, "a");
        let prints = vec![
            print("a.py", Role::Source, &text),
            print("tests/a.py", Role::Test, &text),
        ];
        assert_eq!(duplicates(prints, &Limits::default()), vec![]);
    }

    #[test]
    fn many_copies_are_one_finding() {
        let prints = (0..5)
            .map(|n| print(&format!("f{n}.py"), Role::Source, &block(15, "a")))
            .collect();
        let findings = duplicates(prints, &Limits::default());
        assert_eq!((findings.len(), findings[0].related.len()), (1, 4));
        let prints = vec![print(
            "a.py",
            Role::Source,
            &format!("{}z = 1\n{}", block(15, "a"), block(15, "a")),
        )];
        let findings = duplicates(prints, &Limits::default());
        assert_eq!((findings.len(), findings[0].related[0].line), (1, 17));
    }

    #[test]
    fn two_thousand_files_are_no_trouble() {
        let prints = (0..2_000)
            .map(|n| print(&format!("f{n}.py"), Role::Source, &block(40, &format!("s{}", n / 2))))
            .collect();
        assert_eq!(duplicates(prints, &Limits::default()).len(), 1_000);
    }

    #[test]
    fn a_copy_of_a_file_and_a_copy_of_a_folder_are_one_finding_each() {
        let text = |seed: &str| {
            let [a, b] = [block(15, &format!("{seed}1")), block(20, &format!("{seed}2"))];
            [format!("{a}x = {seed}\n{b}"), format!("{a}y = {seed}\n{b}")]
        };
        let mut prints = Vec::new();
        for (one, other, seed) in [
            ("a.py", "b.py", "s"),
            ("v1/x/f.py", "v2/x/f.py", "t"),
            ("v1/g.py", "v2/g.py", "u"),
            ("v1/h.py", "v2/h.py", "v"),
        ] {
            let [text, copy] = text(seed);
            prints.push(print(one, Role::Source, &text));
            prints.push(print(other, Role::Source, &copy));
        }
        let findings = duplicates(prints, &Limits::default());
        let told: Vec<_> = findings
            .iter()
            .map(|f| (f.check.as_str(), f.place(), f.message.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (
                    "duplicate.folder",
                    "v1/g.py:17".to_owned(),
                    "105 significant lines in 3 files of v1 appear again in v2"
                ),
                (
                    "duplicate.block",
                    "a.py:17".to_owned(),
                    "35 significant lines in 2 blocks appear again in b.py:17"
                ),
            ]
        );
        assert_eq!((findings[0].related.len(), findings[1].related.len()), (6, 2));
    }

    proptest! {
        #[test]
        fn the_order_of_files_does_not_matter(picks in proptest::collection::vec((0usize..4, 8usize..20), 2..8)) {
            let prints: Vec<Fingerprint> = picks
                .iter()
                .enumerate()
                .map(|(n, (seed, lines))| print(&format!("f{n}.py"), Role::Source, &block(*lines, &format!("s{seed}"))))
                .collect();
            let mut reversed = prints.clone();
            reversed.reverse();
            let findings = duplicates(prints, &Limits::default());
            prop_assert_eq!(&findings, &duplicates(reversed, &Limits::default()));
            for finding in findings {
                prop_assert!(finding.related.iter().all(|copy| copy.line <= copy.end_line));
            }
        }
    }
}

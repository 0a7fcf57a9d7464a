//! What the tasks' programs write to the disk, whatever servers and databases say: when each was started and finished.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use orchestrator_protocol::Timestamp;

/// A task's program: `witness KEY SECONDS FAILURES`. Its first so many runs fail.
const PROGRAM: &str = r#"#!/bin/sh
file="$HOME/../witness/$1"
echo "start $$ $(date +%s%6N)" >> "$file"
runs=$(grep -c ^start "$file")
sleep "$2"
if [ "$runs" -le "$3" ]; then echo "not yet" >&2; exit 1; fi
echo "finish $$ $(date +%s%6N)" >> "$file"
echo "$1"
"#;

/// A linter, slow enough for faults to meet files in the midst of their review. The folder that it is run in has the
/// review's name, and its last argument is the file.
const LINTER: &str = r#"#!/bin/sh
if [ "$1" = --version ]; then echo "version: 1.0"; exit; fi
for path; do :; done
file="$HOME/../witness/$(basename "$PWD").$(basename "$path")"
echo "start $$ $(date +%s%6N)" >> "$file"
sleep 0.2
echo "finish $$ $(date +%s%6N)" >> "$file"
echo "[]"
"#;

/// A program that fills a slot until it is told that all slots are filled: `fill NUMBER`. It looks seldom: dozens that look
/// often take the processor from the heartbeats of their workers.
const FILLER: &str = r#"#!/bin/sh
touch "$HOME/../witness/filled.$1"
until [ -e "$HOME/../witness/all-filled" ]; do sleep 0.5; done
"#;

/// Puts the programs where a fleet's workers find them.
pub fn install(folder: &Path) {
    for (name, text) in [("witness", PROGRAM), ("shellcheck", LINTER), ("fill", FILLER)] {
        let path = folder.join("bin").join(name);
        fs::write(&path, text).expect("a program");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("permissions");
    }
}

/// What became of one task's program.
#[derive(Debug, Default)]
pub struct Witness {
    pub starts: Vec<Timestamp>,
    pub finishes: Vec<Timestamp>,
}

impl Witness {
    /// What was written under a key.
    pub fn read(folder: &Path, key: &str) -> Self {
        let text = fs::read_to_string(folder.join(key)).unwrap_or_default();
        let mut witness = Self::default();
        for line in text.lines() {
            let mut words = line.split(' ');
            let (what, _process, at) = (words.next(), words.next(), words.next());
            let Some(at) = at.and_then(|at| at.parse().ok()).map(Timestamp::from_micros) else {
                // Cut off by a kill.
                continue;
            };
            match what {
                Some("start") => witness.starts.push(at),
                Some("finish") => witness.finishes.push(at),
                _ => {}
            }
        }
        witness
    }
}

/// A repository for a review of this name: shell scripts, one of which the linter looks at each time.
pub fn repository(folder: &Path, name: &str, files: usize) -> PathBuf {
    let root = folder.join("repositories").join(name);
    fs::create_dir_all(&root).expect("a folder");
    for number in 0..files {
        fs::write(
            root.join(format!("f{number}.sh")),
            format!("#!/bin/sh\necho {number}\n"),
        )
        .expect("a file");
    }
    root
}

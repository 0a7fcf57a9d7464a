//! The one who sees to it that nothing is left.

use std::{
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
};

/// Waits for the end of whoever called it, however that comes, and ends everything whose home is the fleet's folder:
/// servers, workers, and what the programs of killed workers left. The database and Redis, which hide their
/// surroundings, it knows by the files with their ids.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
read -r word
for file in "$1/postgres/data/postmaster.pid" "$1/redis/pid"; do
  if [ -s "$file" ]; then kill -9 "$(head -n 1 "$file")"; fi
done
for try in 1 2 3; do
  for process in $(grep -lsazxF "HOME=$1/home" /proc/[0-9]*/environ | cut -d/ -f3); do
    if [ "$process" != $$ ]; then kill -9 "$process"; fi
  done
done
if [ "$word" != spare ]; then rm -rf "$1"; fi
"#;

/// A process that outlives the test, whatever becomes of it, and cleans up.
pub struct Undertaker {
    process: Child,
    line: Option<ChildStdin>,
}

impl Undertaker {
    pub fn call(folder: &Path) -> Self {
        let mut process = Command::new("sh")
            .args(["-c", SCRIPT, "undertaker"])
            .arg(folder)
            // Ctrl-C, and whoever kills the test's group, must not reach it.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let line = process.stdin.take();
        Self { process, line }
    }

    /// Leaves the folder where it is.
    pub fn spare_folder(&mut self) {
        use std::io::Write;
        if let Some(line) = &mut self.line {
            let _ = line.write_all(b"spare\n");
        }
    }
}

impl Drop for Undertaker {
    fn drop(&mut self) {
        self.line = None;
        let _ = self.process.wait();
    }
}

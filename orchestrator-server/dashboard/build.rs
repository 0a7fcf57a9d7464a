//! Puts the files of the folder that `ORCHESTRATOR_DASHBOARD` names into the program, and none where it names none.

use std::{
    env,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

/// Names the folder: what `make web` makes.
const VARIABLE: &str = "ORCHESTRATOR_DASHBOARD";

fn main() {
    println!("cargo::rerun-if-env-changed={VARIABLE}");
    let mut code = String::from("pub(super) static BUILT_IN: &[(&str, &[u8])] = &[\n");
    if let Some(folder) = env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) {
        // Relative to the workspace, which is where `make` and people are.
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let folder = workspace.join(PathBuf::from(folder));
        assert!(
            folder.join("index.html").is_file(),
            "{VARIABLE}: there is no index.html in {}; run `make web` first, or unset the variable",
            folder.display()
        );
        println!("cargo::rerun-if-changed={}", folder.display());
        let folder = folder.canonicalize().expect("a folder that is there");
        for path in files(&folder) {
            let name = path.strip_prefix(&folder).expect("a file of the folder");
            let name = name.to_str().expect("names are UTF-8").replace('\\', "/");
            let path = path.to_str().expect("paths are UTF-8");
            writeln!(code, "    ({name:?}, include_bytes!({path:?})),").expect("a String takes everything");
        }
    }
    code.push_str("];\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where"));
    fs::write(out.join("built_in.rs"), code).expect("cargo's folder can be written");
}

/// All files below a folder, always in the same order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).expect("a folder that can be read");
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

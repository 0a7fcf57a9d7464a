//! Lists the files of SQL, so that what is in the folders is what is in the program.

use std::{env, error::Error, fmt::Write as _, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let root = env::var("CARGO_MANIFEST_DIR")?;
    let mut code = String::new();
    for dialect in ["postgres", "sqlite"] {
        println!("cargo:rerun-if-changed={dialect}");
        let folder = Path::new(&root).join(dialect);
        let mut names = Vec::new();
        for file in fs::read_dir(&folder)? {
            names.push(
                file?
                    .file_name()
                    .into_string()
                    .map_err(|name| format!("{}", name.display()))?,
            );
        }
        names.retain(|name| Path::new(name).extension().is_some_and(|extension| extension == "sql"));
        names.sort();
        writeln!(code, "const {}: &[(&str, &str)] = &[", dialect.to_uppercase())?;
        for name in names {
            let path = folder.join(&name).display().to_string();
            writeln!(code, "    ({name:?}, include_str!({path:?})),")?;
        }
        writeln!(code, "];")?;
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("files.rs"), code)?;
    Ok(())
}

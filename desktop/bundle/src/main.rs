//! Makes the files that a browser loads of the app that was built for one: `make web` runs it.
//!
//! The compiled app gets its bindings (wasm-bindgen as a library, so that it is always the version that the app was built
//! with), a page that starts it without a script in the page itself, names that say what is in the files, and a Brotli and
//! a Gzip form of each.

mod bindings;
mod compress;
mod page;

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use clap::Parser;

use self::{compress::Effort, page::File};

/// Makes the files that a browser loads of the app that was built for one.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Args {
    /// The app, as `cargo build --target wasm32-unknown-unknown` left it
    wasm: PathBuf,
    /// The folder to make; one that is there is replaced
    out: PathBuf,
    /// Compress less and sooner, for tests
    #[arg(long)]
    fast: bool,
    /// The most that a browser may have to load at the start, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 2_500_000)]
    limit: usize,
}

fn main() -> ExitCode {
    match bundle(&Args::parse()) {
        Ok(told) => {
            say(&told);
            ExitCode::SUCCESS
        }
        Err(error) => {
            fail(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Makes the folder, and says what is in it.
fn bundle(args: &Args) -> Result<String> {
    let bindings = bindings::make(&args.wasm)?;
    let files = page::files(&bindings)?;
    // Beside the old one first, so that nobody meets half of it.
    let parent = args.out.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    let made = tempfile::tempdir_in(parent).with_context(|| format!("cannot write in {}", parent.display()))?;
    let effort = if args.fast { Effort::Little } else { Effort::Full };
    let mut told = String::new();
    let (mut plain, mut brotli, mut gzip) = (0, 0, 0);
    let mut later = 0;
    for File { name, bytes, is_always } in &files {
        let path = made.path().join(name);
        let folder = path.parent().context("a file is in a folder")?;
        fs::create_dir_all(folder)?;
        let small = compress::brotli(bytes, effort)?;
        let known = compress::gzip(bytes, effort)?;
        fs::write(&path, bytes)?;
        fs::write(made.path().join(format!("{name}.br")), &small)?;
        fs::write(made.path().join(format!("{name}.gz")), &known)?;
        if *is_always {
            plain += bytes.len();
            brotli += small.len();
            gzip += known.len();
        } else {
            later += small.len();
        }
        let _ = writeln!(told, "{name}: {} bytes, {} as Brotli", bytes.len(), small.len());
    }
    let _ = write!(
        told,
        "at the start: {plain} bytes, {brotli} as Brotli, {gzip} as Gzip; {later} as Brotli where they are needed"
    );
    if brotli > args.limit {
        bail!(
            "the app has grown to {brotli} bytes, and {} were meant to be enough\n{told}",
            args.limit
        );
    }
    if args.out.exists() {
        let is_ours = args.out.join("index.html").is_file();
        if !is_ours {
            bail!(
                "{} is there and is not an older bundle; move it away",
                args.out.display()
            );
        }
        fs::remove_dir_all(&args.out).with_context(|| format!("cannot replace {}", args.out.display()))?;
    }
    let made = made.keep();
    fs::rename(&made, &args.out).with_context(|| format!("cannot make {}", args.out.display()))?;
    readable(&args.out)?;
    Ok(told)
}

/// Lets others read the folder, which was made for one user alone.
#[cfg(unix)]
fn readable(folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "it stands for one that can fail")]
fn readable(_: &Path) -> Result<()> {
    Ok(())
}

#[expect(clippy::print_stdout, reason = "what the program is asked for")]
fn say(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "what went wrong")]
fn fail(text: &str) {
    eprintln!("error: {text}");
}

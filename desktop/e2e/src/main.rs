//! The app against a real server with agents at work: in a browser and as a window, tried, pictured and measured.
//!
//! `.ci/e2e.sh` builds what it needs and runs it. What the app shows it says in words too (see `words` in the app), which
//! is what is waited for and clicked on here: nothing depends on how long something takes, or on where it is drawn.

mod agents;
mod bench;
mod browser;
mod fleet;
mod look;
mod picture;
mod process;
mod screens;
mod seat;
mod smoke;
mod stage;
mod window;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use self::stage::Programs;

/// The app against a real server with agents at work.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Args {
    /// What to do
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Try what people do every day, and what goes wrong
    Smoke {
        /// What is tried
        #[command(flatten)]
        programs: Programs,
    },
    /// Picture every screen
    Screens {
        /// What is pictured
        #[command(flatten)]
        programs: Programs,
        /// How and where
        #[command(flatten)]
        place: screens::Where,
    },
    /// Start the server with agents at work, for whoever wants to look, until Ctrl-C
    Stage {
        /// What is started
        #[command(flatten)]
        programs: Programs,
    },
    /// Measure it
    Bench {
        /// What is measured
        #[command(flatten)]
        programs: Programs,
    },
}

fn main() -> ExitCode {
    rustls::crypto::ring::default_provider().install_default().ok();
    let args = Args::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.to_string()),
    };
    match runtime.block_on(run(args.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("{error:#}")),
    }
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Smoke { programs } => smoke::run(&programs).await,
        Command::Stage { programs } => {
            let fleet = fleet::start(&programs).await?;
            say(&format!("look at {}/ (Ctrl-C ends it)", fleet.stage.url));
            tokio::signal::ctrl_c().await?;
            fleet.stage.end().await;
            Ok(())
        }
        Command::Bench { programs } => bench::run(&programs).await,
        Command::Screens { programs, place } => screens::run(&programs, &place).await,
    }
}

/// Says how it goes.
#[expect(clippy::print_stdout, reason = "what the program is run for")]
pub(crate) fn say(text: &str) {
    println!("    {text}");
}

#[expect(clippy::print_stderr, reason = "what went wrong")]
fn fail(text: &str) -> ExitCode {
    eprintln!("error: {text}");
    ExitCode::FAILURE
}

//! From words to what is asked: the command line over the environment over the configuration file.

use clap::{FromArgMatches, error::ErrorKind};

use crate::{
    args::{self, Args},
    config::{self, Config},
    exit::{Exit, Failure},
    output,
};

/// Why there is nothing to do.
pub enum Asked {
    /// Help or the version was asked for, or the words make no sense.
    Words(clap::Error),
    /// The configuration makes no sense.
    Config(Failure),
}

/// Understands the command line.
pub fn understand() -> Result<Args, Asked> {
    let plain = || args::command().try_get_matches();
    let config = Config::load(config::named(std::env::args_os()).as_deref());
    let applied = config.and_then(|config| Ok((config.apply(args::command())?, config)));
    let (command, config) = match applied {
        Ok(applied) => applied,
        // Whoever asks for help gets it, whatever is in the file.
        Err(failure) => {
            return Err(match plain() {
                Err(error) if !error.use_stderr() => Asked::Words(error),
                _ => Asked::Config(failure),
            });
        }
    };
    let args = command
        .try_get_matches()
        .and_then(|matches| Args::from_arg_matches(&matches));
    args.map_err(|error| match config.path() {
        // Without the file it would have been understood.
        Some(path) if error.use_stderr() && plain().is_ok() => {
            Asked::Config(Failure::usage(format!("{}: {}", path.display(), in_short(&error))))
        }
        _ => Asked::Words(error),
    })
}

impl Asked {
    /// Says what is to be said.
    pub fn answer(self) -> Exit {
        match self {
            Self::Config(failure) => {
                output::say_failure(&failure.message, false);
                failure.exit
            }
            Self::Words(error) if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                let _ = error.print();
                Exit::Usage
            }
            Self::Words(error) if !error.use_stderr() => {
                // A reader that has seen enough of the help is no error.
                let _ = error.print();
                Exit::Success
            }
            Self::Words(error) => {
                output::say_failure(&format!("{}; see --help", in_short(&error)), false);
                Exit::Usage
            }
        }
    }
}

/// What is wrong and what may have been meant, without the usage.
fn in_short(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let lines = text.lines().map(str::trim);
    let telling = lines.take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"));
    let telling: Vec<&str> = telling.filter(|line| !line.is_empty()).collect();
    let text = telling.join(" ").replace(" tip: ", "; ");
    text.strip_prefix("error: ").unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(words: &[&str]) -> String {
        let words = std::iter::once(&"orchestrator").chain(words);
        in_short(&args::command().try_get_matches_from(words).expect_err("nonsense"))
    }

    #[test]
    fn nonsense_is_one_line_with_what_may_have_been_meant() {
        assert_eq!(
            short(&["run", "x", "--slot", "3"]),
            "unexpected argument '--slot' found; a similar argument exists: '--slots'"
        );
        assert_eq!(
            short(&["lst"]),
            "unrecognized subcommand 'lst'; a similar subcommand exists: 'list'"
        );
        assert_eq!(
            short(&["run", "x", "--slots", "0"]),
            "invalid value '0' for '--slots <N>': 0 is not in 1..=1024"
        );
        assert!(short(&["decide", "7f3a", "maybe"]).contains("[possible values: accept, correct, reject]"));
        assert!(short(&["show"]).contains("<TASK"), "{}", short(&["show"]));
    }
}

//! From words to what is asked: the command line over the environment over the configuration file.

use clap::{ArgMatches, FromArgMatches, error::ErrorKind, parser::ValueSource};

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
    let args = command.try_get_matches().and_then(|matches| read(&matches));
    args.map_err(|error| match config.path() {
        // Without the file it would have been understood.
        Some(path) if error.use_stderr() && plain().is_ok() => {
            Asked::Config(Failure::usage(format!("{}: {}", path.display(), in_short(&error))))
        }
        _ => Asked::Words(error),
    })
}

/// What was said. A store that is named on the command line is meant, whatever server the environment names.
fn read(matches: &ArgMatches) -> Result<Args, clap::Error> {
    let mut args = Args::from_arg_matches(matches)?;
    let said = |flag: &str| source(matches, flag) == Some(ValueSource::CommandLine);
    match (said("database"), said("server")) {
        (true, true) => {
            let message = "--database is a store of your own and --server somebody's: name one of them";
            return Err(clap::Error::raw(ErrorKind::ArgumentConflict, message));
        }
        (true, false) => args.common.server = None,
        _ => {}
    }
    Ok(args)
}

/// Where the value of a flag comes from; the innermost command knows.
fn source(matches: &ArgMatches, flag: &str) -> Option<ValueSource> {
    let below = matches.subcommand().and_then(|(_, matches)| source(matches, flag));
    below.or_else(|| {
        matches
            .try_contains_id(flag)
            .ok()?
            .then(|| matches.value_source(flag))?
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

    #[test]
    fn a_store_that_is_named_is_meant() {
        let served = |words: &[&str]| {
            // What the environment says is a default here: no test may change it for the others.
            let command = args::command().mut_arg("server", |flag| flag.default_value("http://elsewhere"));
            let words = std::iter::once(&"orchestrator").chain(words);
            let args = read(&command.try_get_matches_from(words).expect("words"));
            args.map(|args| args.common.server).map_err(|error| in_short(&error))
        };
        assert_eq!(served(&["list"]), Ok(Some("http://elsewhere".to_owned())));
        assert_eq!(served(&["list", "--database", "memory:"]), Ok(None));
        assert_eq!(served(&["--database", "memory:", "list"]), Ok(None));
        assert_eq!(
            served(&["list", "--server", "http://here"]),
            Ok(Some("http://here".to_owned()))
        );
        let both = served(&["list", "--server", "http://here", "--database", "memory:"]);
        assert!(both.is_err_and(|why| why.contains("name one of them")));
    }
}

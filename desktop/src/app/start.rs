//! How the app starts.

use iced::{Size, window};

use super::{App, Message};
use crate::theme::{self, font};

/// What a start says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Start {
    /// The server to use; none means the one that was used last.
    pub server: Option<String>,
    /// Its token.
    pub token: Option<String>,
}

/// The app as Iced runs it, for programs and tests.
pub fn application(
    start: Start,
) -> iced::Application<impl iced::Program<State = App, Message = Message, Theme = iced::Theme>> {
    let settings = iced::Settings {
        id: Some("orchestrator-desktop".to_owned()),
        fonts: font::FILES.into_iter().map(Into::into).collect(),
        default_font: font::BODY,
        default_text_size: theme::size::BODY.into(),
        ..iced::Settings::default()
    };
    let window = window::Settings {
        size: Size::new(1280.0, 800.0),
        min_size: Some(Size::new(720.0, 480.0)),
        ..window::Settings::default()
    };
    iced::application(move || App::new(start.clone()), App::update, App::view)
        .settings(settings)
        .window(window)
        // It ends by itself, once what is inside it has.
        .exit_on_close_request(false)
        .title(App::title)
        .theme(App::theme)
        .style(|_, theme| iced::theme::Style {
            background_color: theme::colours(theme).ground,
            text_color: theme::colours(theme).text,
        })
        .subscription(App::subscription)
}

/// Runs the app until its window is closed.
///
/// # Errors
///
/// There is nothing to draw on.
pub fn run(start: Start) -> iced::Result {
    application(start).run()
}

#[cfg(feature = "native")]
mod native {
    use std::process::ExitCode;

    use clap::Parser;

    use super::{Start, run};

    /// Watch agents at work, and decide.
    #[derive(Debug, Parser)]
    #[command(name = "orchestrator-desktop", version, after_help = AFTER)]
    struct Arguments {
        /// The server: http://host:8080, or several replicas of it separated by commas; sqlite:FILE or memory: runs tasks in
        /// the app itself [default: the one that was used last]
        #[arg(long, env = "ORCHESTRATOR_URL", value_name = "URL")]
        server: Option<String>,
        /// The token, where the server asks for one
        #[arg(long, env = "ORCHESTRATOR_TOKEN", hide_env_values = true, value_name = "TOKEN")]
        token: Option<String>,
    }

    /// What else the environment says.
    const AFTER: &str = "ORCHESTRATOR_SERVER is read where ORCHESTRATOR_URL is not set, as workers do. \
        ICED_BACKEND=tiny-skia has the window drawn by the processor, where it would be drawn by the GPU.";

    impl Arguments {
        /// The server that is named: on the command line or in the environment, there by either of two names.
        fn server(&self, other: Option<String>) -> Option<String> {
            let names = [self.server.clone(), other];
            names.into_iter().flatten().find(|name| !name.trim().is_empty())
        }
    }

    /// The program: reads its arguments and runs the app.
    pub fn start() -> ExitCode {
        let filter = tracing_subscriber::EnvFilter::try_from_default_env()
            .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,wgpu=error"));
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .init();
        let arguments = Arguments::parse();
        match run(Start {
            server: arguments.server(std::env::var("ORCHESTRATOR_SERVER").ok()),
            token: arguments.token,
        }) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                tracing::error!("no window can be opened: {error}");
                ExitCode::FAILURE
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use clap::CommandFactory;

        use super::*;

        #[test]
        fn the_server_has_the_names_that_the_command_and_workers_read() {
            let command = Arguments::command();
            let server = command.get_arguments().find(|flag| flag.get_id() == "server");
            let variable = server.and_then(|flag| flag.get_env());
            assert_eq!(variable, Some("ORCHESTRATOR_URL".as_ref()));
            let named = |server: Option<&str>, other: Option<&str>| {
                let arguments = Arguments {
                    server: server.map(str::to_owned),
                    token: None,
                };
                arguments.server(other.map(str::to_owned))
            };
            assert_eq!(named(Some("http://a"), Some("http://b")).as_deref(), Some("http://a"));
            assert_eq!(named(Some(" "), Some("http://b")).as_deref(), Some("http://b"));
            assert_eq!(named(None, Some("")), None);
        }
    }
}

#[cfg(feature = "native")]
pub use native::start;

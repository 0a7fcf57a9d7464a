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
    #[command(name = "orchestrator-desktop", version)]
    struct Arguments {
        /// The server: http://host:8080; sqlite:FILE or memory: runs tasks in the app itself [default: the one that was used last]
        #[arg(long, env = "ORCHESTRATOR_SERVER", value_name = "URL")]
        server: Option<String>,
        /// The token, where the server asks for one
        #[arg(long, env = "ORCHESTRATOR_TOKEN", hide_env_values = true, value_name = "TOKEN")]
        token: Option<String>,
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
            server: arguments.server,
            token: arguments.token,
        }) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                tracing::error!("no window can be opened: {error}");
                ExitCode::FAILURE
            }
        }
    }
}

#[cfg(feature = "native")]
pub use native::start;

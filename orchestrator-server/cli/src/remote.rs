//! The commands that talk to a server.

mod act;
mod admin;
mod find;
mod look;
mod submit;
mod watch;

use orchestrator_client::{Client, ClientError, ServerAddress};

use crate::{
    args::{Command, Common},
    exit::{Exit, Failure},
    output::Output,
};

/// Where a server is looked for when a command needs one and nobody says where.
const USUAL: &str = "http://127.0.0.1:8080";

/// Whether a command is for a server: one was named, or it makes no sense without one.
pub fn is_meant(common: &Common, command: &Command) -> bool {
    match command {
        Command::Run(_) | Command::Agents(_) | Command::Dev(_) => false,
        Command::Submit(_) | Command::Workers(_) | Command::Limits(_) | Command::Token(_) => true,
        _ => common.server.is_some(),
    }
}

/// Does what was asked.
pub async fn run(common: Common, command: Command, output: Output) -> Result<Exit, Failure> {
    let url = common.server.as_deref().unwrap_or(USUAL);
    let address = ServerAddress::parse(url, common.token).map_err(|error| Failure::usage(error.to_string()))?;
    let client = Client::new(address)?;
    match command {
        Command::Submit(submit) => submit::submit(*submit, &client, output).await,
        Command::List(list) => look::list(list, &client, output).await,
        Command::Show(which) => look::show(&which, &client, output).await,
        Command::Logs(logs) => look::logs(&logs, &client, output).await,
        Command::Why(which) => look::why(&which, &client, output).await,
        Command::Watch(which) => {
            let id = find::task(&client, which.word()).await?;
            watch::watch(&client, id, output).await
        }
        Command::Cancel(cancel) => act::cancel(&cancel, &client, output).await,
        Command::Retry(retry) => act::retry(&retry, &client, output).await,
        Command::Decide(decide) => act::decide(&decide, &client, output).await,
        Command::Workers(workers) => admin::workers(&workers, &client, output).await,
        Command::Limits(limits) => admin::limits(&limits, &client, output).await,
        Command::Token(token) => admin::token(&token, &client, output).await,
        // These run here; see `is_meant`.
        Command::Run(_) | Command::Agents(_) | Command::Dev(_) => Ok(Exit::Usage),
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let message = error.to_string();
        match &error {
            // What a server says to programs that send no token is no advice for people.
            ClientError::Refused(problem) if problem.status == 401 && message.contains("Authorization: Bearer") => {
                Self::usage("the server asks for a token; give one with --token or ORCHESTRATOR_TOKEN")
            }
            ClientError::Refused(problem) if problem.status < 500 && problem.status != 429 => Self::usage(message),
            _ => Self::unavailable(message),
        }
    }
}

//! Durable tasks and agents, embeddable: one programming model, in memory or on SQLite.
//!
//! An **agent** is a function that runs tasks of one type. It gets a [`TaskContext`] with which it remembers steps, calls
//! other agents, waits for people, time and events, and says how it goes. Whatever crashes, a task goes on from what was
//! finished: steps and children have names, and what has a result is never executed again.
//!
//! ```
//! use orchestrator_core::{AgentError, NewTask, Json, Orchestrator, TaskContext, agent};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let orchestrator = Orchestrator::open("memory:").await?; // or sqlite:agents.db
//! orchestrator.register(agent("shout", |_: TaskContext, text: String| async move {
//!     Ok::<_, AgentError>(text.to_uppercase())
//! }))?;
//! orchestrator.register(agent("greet", |ctx: TaskContext, name: String| async move {
//!     let greeting = ctx.step("greeting", || async { Ok::<_, AgentError>(format!("hello {name}")) }).await?;
//!     let loud: String = ctx.call("loud", NewTask::new("shout", Json::of(&greeting)?)).await?;
//!     Ok::<_, AgentError>(loud)
//! }))?;
//! let greeting: String = orchestrator.run("greet", "ada").await?;
//! assert_eq!(greeting, "HELLO ADA");
//! # orchestrator.shutdown(std::time::Duration::from_secs(1)).await;
//! # Ok(())
//! # }
//! ```
//!
//! Where to read on: [`Orchestrator`] (a program's way in), [`agent`](mod@agent) and [`context`] (what agents are and
//! can do), [`service`] (everything that can be asked), [`store`] (what is promised), [`domain`] (how it is decided).

pub mod agent;
pub mod bus;
pub mod clock;
pub mod context;
pub mod domain;
pub mod error;
pub mod maintain;
pub mod orchestrator;
pub mod presence;
pub mod service;
pub mod store;
pub mod worker;

pub use agent::{Agent, AgentError, agent};
pub use context::TaskContext;
pub use error::Error;
pub use orchestrator::{Config, Orchestrator, TaskHandle};
pub use orchestrator_protocol as protocol;
pub use orchestrator_protocol::{Json, NewTask, TaskError};

//! The machines.

use iced::{
    Element, Length, Task,
    widget::{column, container, row},
};
use orchestrator_desktop_model::{Failure, Tone};
use orchestrator_protocol::{Worker, WorkerId, WorkerState};

use super::{Event, Shared};
use crate::{
    theme::{gap, glyph},
    widget::{body, button, chart, heading, notice, state, surface},
};

/// The screen.
#[derive(Debug, Default)]
pub struct Workers {
    failure: Option<Failure>,
}

/// What happens on the screen.
#[derive(Debug, Clone)]
pub enum Message {
    /// A worker is to take no more.
    Drain(WorkerId),
    /// It was told, or not.
    Drained(Result<String, Failure>),
}

impl Workers {
    /// Something happened on the screen.
    pub fn update(&mut self, message: Message, shared: &Shared) -> (Task<Message>, Option<Event>) {
        match message {
            Message::Drain(id) => {
                let Some(api) = shared.api.clone() else {
                    return (Task::none(), None);
                };
                let drained = async move { api.drain(id).await.map(|worker| worker.name) };
                (Task::perform(drained, Message::Drained), None)
            }
            Message::Drained(Ok(name)) => {
                self.failure = None;
                (
                    Task::none(),
                    Some(Event::Say(Tone::Good, format!("{name} takes no more tasks."))),
                )
            }
            Message::Drained(Err(failure)) => {
                self.failure = Some(failure);
                (Task::none(), None)
            }
        }
    }

    /// What it shows.
    pub fn view<'a>(&'a self, shared: &'a Shared) -> Element<'a, Message> {
        let workers = &shared.fleet.workers;
        let content = if !shared.fleet.known {
            notice::loading("Asking the server…")
        } else if workers.is_empty() {
            let advice = "Start one with `orchestrator-worker --server URL`, on this machine or another.";
            notice::empty(glyph::SERVER, "No worker is connected", advice, None)
        } else {
            let failure = self.failure.as_ref().map(notice::failure_line);
            let cards = workers.iter().map(|worker| card(worker, shared));
            column(failure)
                .push(surface::scroll(column(cards).spacing(gap::MEDIUM)))
                .spacing(gap::MEDIUM)
                .into()
        };
        surface::page("Workers", Vec::new(), content)
    }
}

fn card<'a>(worker: &'a Worker, shared: &Shared) -> Element<'a, Message> {
    let loads = shared.fleet.measurements.get(&worker.id);
    let cpu = loads
        .into_iter()
        .flatten()
        .filter_map(|measured| measured.cpu)
        .collect();
    let drain = (worker.state == WorkerState::Online).then_some(Message::Drain(worker.id));
    let content = row![
        heading(&worker.name).width(Length::FillPortion(2)),
        container(state::worker(worker.state)).width(110.0),
        body(format!("{} of {} slots", worker.running, worker.slots)).width(Length::FillPortion(1)),
        container(chart::sparkline(cpu, 100.0, Tone::Active, 28.0)).width(Length::FillPortion(2)),
        button::secondary("Drain", drain),
    ];
    surface::plain_card(content.spacing(gap::MEDIUM).align_y(iced::Alignment::Center))
}

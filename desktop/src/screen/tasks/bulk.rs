//! What is done to several tasks at once.

use futures::StreamExt;
use iced::{
    Alignment, Element, Length, Task,
    widget::{column, container, mouse_area, opaque, row},
};
use orchestrator_desktop_model::Failure;
use orchestrator_protocol::TaskId;

use super::{Message, Tasks};
use crate::{
    connection::Api,
    screen::{Event, Shared},
    theme::{self, font, gap, glyph},
    widget::{
        body,
        button::{self, Kind},
        fill, heading,
    },
};

/// How many calls are under way at once.
const AT_ONCE: usize = 8;

/// What is done to several tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bulk {
    /// They end, and everything below them.
    Cancel,
    /// They run again, from their finished steps.
    Retry,
}

fn tasks(count: usize) -> String {
    if count == 1 {
        "1 task".to_owned()
    } else {
        format!("{count} tasks")
    }
}

impl Bulk {
    pub(super) fn done(self, count: usize) -> String {
        match self {
            Self::Cancel => format!("{} cancelled.", tasks(count)),
            Self::Retry => format!("{} run again.", tasks(count)),
        }
    }

    /// Does it to each; says how many and why the first that failed did.
    async fn perform(self, api: Api, ids: Vec<TaskId>) -> (usize, Option<Failure>) {
        let calls = ids.into_iter().map(|id| {
            let api = api.clone();
            async move {
                match self {
                    Self::Cancel => api.cancel(id).await,
                    Self::Retry => api.retry(id).await,
                }
            }
        });
        let all: Vec<_> = futures::stream::iter(calls).buffer_unordered(AT_ONCE).collect().await;
        let done = all.iter().filter(|result| result.is_ok()).count();
        (done, all.into_iter().find_map(Result::err))
    }
}

impl Tasks {
    fn concerned(&self, bulk: Bulk) -> Vec<TaskId> {
        match bulk {
            Bulk::Cancel => self.list.to_cancel(),
            Bulk::Retry => self.list.to_retry(),
        }
    }

    pub(super) fn update_bulk(&mut self, message: Message, shared: &Shared) -> (Task<Message>, Option<Event>) {
        match message {
            Message::Ask(bulk) => self.confirming = Some(bulk),
            Message::Dismiss => self.confirming = None,
            Message::Do(bulk) => {
                self.confirming = None;
                if let Some(api) = shared.api.clone() {
                    self.doing = Some(bulk);
                    let done = bulk.perform(api, self.concerned(bulk));
                    let told = move |(count, failure)| Message::Done(bulk, count, failure);
                    return (Task::perform(done, told), None);
                }
            }
            Message::Done(bulk, count, failure) => {
                self.doing = None;
                self.list.choose_all(false);
                let (tone, words) = Self::said(bulk, count, failure.as_ref());
                return (self.enter(shared), Some(Event::Say(tone, words)));
            }
            _ => {}
        }
        (Task::none(), None)
    }

    /// What can be done to the chosen, while some are.
    pub(super) fn bulk_bar(&self) -> Option<Element<'_, Message>> {
        let chosen = self.list.chosen();
        if chosen == 0 {
            return None;
        }
        let may = |bulk: Bulk| {
            let any = !self.concerned(bulk).is_empty() && self.doing.is_none();
            any.then_some(Message::Ask(bulk))
        };
        let words = if self.doing.is_some() {
            "Working…".to_owned()
        } else {
            format!("{} chosen", tasks(chosen))
        };
        let line = row![
            body(words).font(font::MEDIUM),
            fill(),
            button::with_icon(Kind::Secondary, glyph::ROTATE_CCW, "Retry", may(Bulk::Retry)),
            button::with_icon(Kind::Danger, glyph::BAN, "Cancel", may(Bulk::Cancel)),
            button::ghost("Choose none", Some(Message::ChooseAll(false))),
        ];
        let line = container(line.spacing(gap::SMALL).align_y(Alignment::Center));
        Some(
            line.padding([gap::SMALL, gap::LARGE])
                .style(theme::container::card)
                .into(),
        )
    }

    /// The question before it.
    pub(super) fn confirm<'a>(&self, bulk: Bulk) -> Element<'a, Message> {
        let (count, left_out) = {
            let concerned = self.concerned(bulk).len();
            (concerned, self.list.chosen() - concerned)
        };
        let (title, what, yes) = match bulk {
            Bulk::Cancel => (
                format!("Cancel {}?", tasks(count)),
                "They end, and everything below them. What they have finished is kept, and they can be run again from there.",
                "Cancel them",
            ),
            Bulk::Retry => (
                format!("Run {} again?", tasks(count)),
                "They go on from what they have finished. Work that failed is done, and paid for, again.",
                "Run them again",
            ),
        };
        let rest = (left_out > 0)
            .then(|| body(format!("For {left_out} of the chosen there is nothing to do.")).style(theme::text::faint));
        let yes = match bulk {
            Bulk::Cancel => button::danger(yes, Some(Message::Do(bulk))),
            Bulk::Retry => button::primary(yes, Some(Message::Do(bulk))),
        };
        let question = column![heading(title), body(what).style(theme::text::muted)]
            .push(rest)
            .push(row![fill(), button::secondary("Leave them", Some(Message::Dismiss)), yes].spacing(gap::SMALL))
            .spacing(gap::LARGE)
            .max_width(440.0);
        let card = container(question).padding(gap::HUGE).style(theme::container::overlay);
        let veil = container(opaque(card))
            .center_x(Length::Fill)
            .center_y(Length::Fill)
            .style(theme::container::veil);
        opaque(mouse_area(veil).on_press(Message::Dismiss))
    }
}

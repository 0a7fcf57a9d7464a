//! One task with everything below it: its graph, its timeline, what it wrote, what it was given and gave.

mod actions;
mod changes;
mod facts;
mod findings;
mod graph;
mod history;
pub mod output;
mod result;
mod timeline;

use std::{sync::Arc, time::Duration};

use iced::{
    Alignment, Element, Length, Padding, Subscription, Task,
    keyboard::{Key, Modifiers, key::Named},
    widget::{column, container, row, stack},
};
use orchestrator_desktop_model::{
    Failure, Link, Tone, format,
    tree::{self, Snapshot, TaskTree},
};
use orchestrator_protocol::{TaskId, Tree, Why};

use self::actions::Action;
use super::{Event, Route, Shared};
use crate::{
    connection::{self, Update},
    theme::{self, font, gap, glyph, size},
    widget::{self, body, button, fill, hotkeys::hotkeys, icon, mono, notice, one_line, state, surface},
};

/// How long what events have made old may stay so: a burst is asked for once.
const LATER: Duration = Duration::from_millis(300);

/// What is shown of the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Tab {
    /// The graph of the tree.
    #[default]
    Graph,
    /// The bars of attempts and waits.
    Timeline,
    /// What the chosen task wrote.
    Output,
    /// What it was given and gave.
    Result,
    /// The changes to files that its output carries.
    Changes,
    /// The findings and scores that its output carries.
    Findings,
    /// What happened, line by line.
    History,
}

impl Tab {
    const ALL: [Self; 7] = [
        Self::Graph,
        Self::Timeline,
        Self::Output,
        Self::Result,
        Self::Changes,
        Self::Findings,
        Self::History,
    ];

    const fn word(self) -> &'static str {
        match self {
            Self::Graph => "Graph",
            Self::Timeline => "Timeline",
            Self::Output => "Output",
            Self::Result => "Input & result",
            Self::Changes => "Changes",
            Self::Findings => "Findings",
            Self::History => "History",
        }
    }
}

/// The screen.
#[derive(Debug)]
pub struct TaskScreen {
    tree: TaskTree,
    link: Link,
    tab: Tab,
    /// Whether a person has chosen what is shown.
    is_picked: bool,
    /// The task of the tree that is looked at.
    chosen: TaskId,
    why: Option<Why>,
    waits: bool,
    confirming: Option<Action>,
    failure: Option<Failure>,
    graph: graph::Graph,
    timeline: timeline::Timeline,
    output: output::OutputView,
    result: result::ResultView,
    changes: changes::Changes,
    findings: findings::Findings,
    history: history::History,
}

/// What happens on the screen.
#[derive(Debug, Clone)]
pub enum Message {
    /// What the task's own connection says.
    Told(Update<Snapshot>),
    /// It is time to ask for what is old.
    Refresh,
    /// The tree has come again.
    Tree(Result<Tree, Failure>),
    /// A task of it has come again.
    Refreshed(Result<Box<orchestrator_protocol::Task>, Failure>),
    /// Why the chosen task is where it is.
    Why(TaskId, Result<Why, Failure>),
    /// Something else is to be shown.
    Show(Tab),
    /// A task of the tree was chosen.
    Choose(TaskId),
    /// A task is to be shown by itself.
    Open(TaskId),
    /// The checkpoints are to be shown.
    Answer(TaskId),
    /// Back to where one was.
    Back,
    /// Something is to be done to the chosen task, perhaps after a question.
    Ask(Action),
    /// It is not, after all.
    Dismiss,
    /// It is.
    Do(Action),
    /// It was done, or not.
    Done(Action, Result<(), Failure>),
    /// Put this into the clipboard.
    Copy(String),
    /// About the output.
    Output(output::Message),
    /// About input and result.
    Result(result::Message),
    /// About the changes.
    Changes(changes::Message),
    /// About the history.
    History(history::Message),
}

impl TaskScreen {
    /// The screen of a task.
    pub fn new(id: TaskId) -> Self {
        Self {
            tree: TaskTree::new(id),
            link: Link::Connecting,
            tab: Tab::default(),
            is_picked: false,
            chosen: id,
            why: None,
            waits: false,
            confirming: None,
            failure: None,
            graph: graph::Graph::default(),
            timeline: timeline::Timeline::default(),
            output: output::OutputView::new(id),
            result: result::ResultView::default(),
            changes: changes::Changes::default(),
            findings: findings::Findings::default(),
            history: history::History::default(),
        }
    }

    /// Which task it shows.
    pub fn id(&self) -> TaskId {
        self.tree.id
    }

    /// What it is called, for the title of the window.
    pub fn title(&self) -> Option<String> {
        self.tree.task().map(tree::name)
    }

    /// The task of the tree that is looked at.
    fn chosen(&self) -> Option<&orchestrator_protocol::Task> {
        self.tree.tasks.get(&self.chosen).or(self.tree.task())
    }

    /// What it listens to.
    pub fn subscription(&self, shared: &Shared) -> Subscription<Message> {
        match &shared.api {
            Some(api) => connection::tree(api, self.tree.id).map(Message::Told),
            None => Subscription::none(),
        }
    }

    /// Something happened on the screen.
    pub fn update(&mut self, message: Message, shared: &Shared) -> (Task<Message>, Option<Event>) {
        let task = match message {
            Message::Told(update) => self.told(update, shared),
            Message::Refresh => self.refresh(shared),
            Message::Tree(Ok(tree)) => {
                self.tree.replace(tree);
                self.changed(shared)
            }
            Message::Refreshed(Ok(task)) => {
                self.tree.refresh(*task);
                self.changed(shared)
            }
            Message::Why(id, Ok(why)) => {
                if id == self.chosen {
                    self.why = Some(why);
                }
                Task::none()
            }
            Message::Tree(Err(failure)) | Message::Refreshed(Err(failure)) | Message::Why(_, Err(failure)) => {
                // While nobody answers the link says so itself.
                tracing::debug!("a part of the task did not come: {}", failure.message);
                Task::none()
            }
            Message::Show(tab) => {
                self.tab = tab;
                self.is_picked = true;
                self.shown(shared)
            }
            Message::Choose(id) => self.choose(id, shared),
            Message::Open(id) => return (Task::none(), Some(Event::Go(Route::Task(id)))),
            Message::Answer(id) => return (Task::none(), Some(Event::Go(Route::Checkpoints(Some(id))))),
            Message::Back => return (Task::none(), Some(Event::Back)),
            Message::Copy(text) => return (Task::none(), Some(Event::Copy(text))),
            Message::Ask(action) => {
                if action.is_harmless() {
                    return (self.act(action, shared), None);
                }
                self.confirming = Some(action);
                Task::none()
            }
            Message::Dismiss => {
                self.confirming = None;
                self.failure = None;
                Task::none()
            }
            Message::Do(action) => self.act(action, shared),
            Message::Done(action, Ok(())) => {
                return (Task::none(), Some(Event::Say(Tone::Good, action.done().to_owned())));
            }
            Message::Done(_, Err(failure)) => {
                self.failure = Some(failure);
                Task::none()
            }
            Message::Output(message) => return self.output.update(message, shared),
            Message::Result(message) => {
                let chosen = self.tree.tasks.get(&self.chosen).or(self.tree.task());
                return self.result.update(&message, chosen);
            }
            Message::Changes(message) => self.changes.update(&message),
            Message::History(message) => self.history.update(&message),
        };
        (task, None)
    }

    fn told(&mut self, update: Update<Snapshot>, shared: &Shared) -> Task<Message> {
        match update {
            Update::Opened(mut snapshot) => {
                self.link = Link::Live;
                if self.chosen == self.tree.id {
                    self.why = Some(std::mem::replace(
                        &mut snapshot.why,
                        Why {
                            state: orchestrator_protocol::TaskState::Ready,
                            reasons: Vec::new(),
                        },
                    ));
                }
                self.tree.open(*snapshot);
                let shown = self.changed(shared);
                Task::batch([shown, self.output.catch_up(shared)])
            }
            Update::Happened(events) => self.happened(&events, shared),
            Update::Lost(reason) => {
                self.link.lose(reason, shared.now);
                Task::none()
            }
            Update::Ended(failure) => {
                self.link = Link::Ended(failure);
                Task::none()
            }
        }
    }

    fn happened(&mut self, events: &Arc<[orchestrator_protocol::Event]>, shared: &Shared) -> Task<Message> {
        use orchestrator_protocol::EventType;
        self.link = Link::Live;
        let mut wrote = false;
        let mut quiet = true;
        for event in events.iter() {
            wrote |= event.kind == EventType::TaskLog && event.task_id == Some(self.chosen);
            quiet &= event.kind == EventType::TaskLog;
            self.tree.happen(event);
        }
        if !quiet {
            self.timeline.refresh();
        }
        let mut tasks = Vec::new();
        if wrote {
            tasks.push(self.output.catch_up(shared));
        }
        if !quiet && !self.waits {
            self.waits = true;
            tasks.extend(later(shared));
        }
        Task::batch(tasks)
    }

    /// Asks for what is old.
    fn refresh(&mut self, shared: &Shared) -> Task<Message> {
        self.waits = false;
        let Some(api) = &shared.api else {
            return Task::none();
        };
        let stale = self.tree.take_stale();
        let mut asked = vec![self.ask_why(shared)];
        if stale.tree || stale.tasks.len() > 8 {
            let (api, id) = (api.clone(), self.tree.id);
            asked.push(Task::perform(async move { api.tree(id).await }, Message::Tree));
        } else {
            asked.extend(stale.tasks.into_iter().map(|id| {
                let api = api.clone();
                Task::perform(async move { api.task(id).await.map(Box::new) }, Message::Refreshed)
            }));
        }
        Task::batch(asked)
    }

    fn ask_why(&self, shared: &Shared) -> Task<Message> {
        let (Some(api), Some(task)) = (shared.api.clone(), self.chosen()) else {
            return Task::none();
        };
        if task.state.is_terminal() || task.state == orchestrator_protocol::TaskState::Running {
            return Task::none();
        }
        let id = task.id;
        Task::perform(async move { api.why(id).await }, move |why| Message::Why(id, why))
    }

    /// The tree has changed: what is drawn is made anew.
    fn changed(&mut self, shared: &Shared) -> Task<Message> {
        if !self.tree.tasks.contains_key(&self.chosen) && self.tree.task().is_some() {
            self.chosen = self.tree.id;
        }
        if !self.is_picked {
            // A graph of one node tells nothing; once there are more, it tells most.
            self.tab = if self.tree.tasks.len() == 1 {
                Tab::Output
            } else {
                Tab::Graph
            };
        }
        self.graph.update(&self.tree);
        self.timeline.refresh();
        self.shown(shared)
    }

    /// What the tab needs is made ready.
    fn shown(&mut self, shared: &Shared) -> Task<Message> {
        let Some(task) = self.tree.tasks.get(&self.chosen) else {
            return Task::none();
        };
        self.result.show(task);
        self.changes.show(task);
        self.findings.show(task);
        match self.tab {
            Tab::Output => self.output.show(task.id, shared),
            _ => Task::none(),
        }
    }

    fn choose(&mut self, id: TaskId, shared: &Shared) -> Task<Message> {
        if self.chosen == id || !self.tree.tasks.contains_key(&id) {
            return Task::none();
        }
        self.chosen = id;
        self.why = None;
        self.timeline.refresh();
        Task::batch([self.shown(shared), self.ask_why(shared)])
    }

    /// A key that no field took; none when it means nothing here.
    fn key(&self, key: Key<&str>, modifiers: Modifiers) -> Option<Message> {
        if self.confirming.is_some() {
            return match (key, self.confirming) {
                (Key::Named(Named::Escape), _) => Some(Message::Dismiss),
                (Key::Named(Named::Enter), Some(action)) => Some(Message::Do(action)),
                _ => None,
            };
        }
        if modifiers.command() {
            let find = key == Key::Character("f") && self.tab == Tab::Output;
            return find.then_some(Message::Output(output::Message::Find));
        }
        if let Key::Character(digit) = key
            && let Ok(n @ 1..=7) = digit.parse::<usize>()
        {
            return Some(Message::Show(Tab::ALL[n - 1]));
        }
        match self.tab {
            Tab::Graph => self.graph.key(&key, self.chosen),
            Tab::Timeline => self.next_in_walk(&key),
            _ => None,
        }
        .map(Message::Choose)
    }

    fn next_in_walk(&self, key: &Key<&str>) -> Option<TaskId> {
        let walk = self.tree.walk();
        let here = walk.iter().position(|(_, task)| task.id == self.chosen)?;
        let there = match key {
            Key::Named(Named::ArrowDown) => here + 1,
            Key::Named(Named::ArrowUp) => here.checked_sub(1)?,
            _ => return None,
        };
        walk.get(there).map(|(_, task)| task.id)
    }

    /// What it shows.
    pub fn view<'a>(&'a self, shared: &'a Shared) -> Element<'a, Message> {
        let task = match (self.tree.task(), &self.link) {
            (None, Link::Ended(failure)) => return notice::failed(failure, Some(("Back", Message::Back))),
            (None, _) => return notice::loading("Asking the server…"),
            (Some(task), _) => task,
        };
        let chosen = self.chosen().unwrap_or(task);
        let below = self.tree.tasks.len() - 1;
        let pane = match self.tab {
            Tab::Graph => self.graph.view(&self.tree, self.chosen, shared),
            Tab::Timeline => self.timeline.view(&self.tree, self.chosen, shared),
            Tab::Output => self.output.view(shared).map(Message::Output),
            Tab::Result => self.result.view(chosen).map(Message::Result),
            Tab::Changes => self.changes.view().map(Message::Changes),
            Tab::Findings => self.findings.view(),
            Tab::History => self.history.view(&self.tree, shared).map(Message::History),
        };
        let tabs = Tab::ALL.map(|tab| {
            let count = match tab {
                Tab::Changes => self.changes.count(),
                Tab::Findings => self.findings.count(),
                _ => 0,
            };
            button::counted(tab.word(), count, self.tab == tab, Message::Show(tab))
        });
        let tabs = row(tabs)
            .spacing(2.0)
            .push(fill())
            .push((!shared.is_narrow()).then(|| {
                body(match below {
                    0 => "No tasks below".to_owned(),
                    1 => "1 task below".to_owned(),
                    n => format!("{} tasks below", format::count(n as u64)),
                })
                .style(theme::text::faint)
            }))
            .align_y(Alignment::Center);
        let main = column![tabs, pane]
            .spacing(gap::MEDIUM)
            .width(Length::Fill)
            .height(Length::Fill);
        let side_width = if shared.is_narrow() { 264.0 } else { 320.0 };
        let side = container(facts::view(self, chosen, shared))
            .width(side_width)
            .height(Length::Fill);
        // One part with and without notices, and a stack with and without the question: what is scrolled would forget
        // where it is otherwise.
        let above = column![Self::head(task, chosen, shared)]
            .push(self.failure.as_ref().map(notice::failure_line))
            .push(self.gone())
            .push(self.asks(shared))
            .spacing(gap::MEDIUM);
        let all = column![above, row![main, side].spacing(gap::LARGE).height(Length::Fill)]
            .spacing(gap::MEDIUM)
            .padding(Padding::from([16.0, 28.0]).bottom(20.0));
        let question = self.confirming.map(|action| actions::confirm(action, chosen, below));
        let all = stack![all].push(question);
        hotkeys(all, |key, modifiers| self.key(key, modifiers))
    }

    fn head<'a>(
        task: &'a orchestrator_protocol::Task,
        chosen: &'a orchestrator_protocol::Task,
        shared: &'a Shared,
    ) -> Element<'a, Message> {
        let name = iced::widget::text(format::clip(&tree::name(task), 90))
            .size(size::TITLE)
            .font(font::STRONG);
        let took = tree::took(task, shared.now).map(|took| {
            row![icon(glyph::TIMER).size(13.0), body(format::duration(took))]
                .spacing(gap::TINY)
                .align_y(Alignment::Center)
        });
        let facts = row![
            state::task(task.state),
            surface::chip(&*task.task_type),
            mono(format::short_id(task.id)).style(theme::text::faint)
        ]
        .push(took)
        .push(body(format!("submitted {}", format::ago(task.created_at, shared.now))).style(theme::text::faint))
        .spacing(gap::MEDIUM)
        .align_y(Alignment::Center);
        let up = task.parent_id.map(|parent| {
            button::only_icon(
                glyph::ARROW_UP,
                "The task that this is a part of",
                Some(Message::Open(parent)),
            )
        });
        let top = row![button::only_icon(glyph::ARROW_LEFT, "Back (Esc)", Some(Message::Back))]
            .push(up)
            .push(container(one_line(name)).width(Length::Fill).clip(true))
            .push(actions::bar(chosen, chosen.id == task.id))
            .spacing(gap::SMALL)
            .align_y(Alignment::Center);
        column![top, container(facts).padding(Padding::ZERO.left(36.0))]
            .spacing(gap::TINY)
            .into()
    }

    /// A task that is shown although it is no more, or the connection is.
    fn gone(&self) -> Option<Element<'_, Message>> {
        let Link::Ended(failure) = &self.link else { return None };
        let words = format!("This is how it was last seen. {}: {}", failure.title(), failure.message);
        Some(notice::banner(glyph::UNPLUG, words, Tone::Bad, None))
    }

    /// That something of the tree waits for a person.
    fn asks<'a>(&'a self, shared: &'a Shared) -> Option<Element<'a, Message>> {
        let of_tree = |id: &TaskId| self.tree.tasks.contains_key(id);
        let checkpoint = shared
            .fleet
            .checkpoints
            .iter()
            .find(|checkpoint| of_tree(&checkpoint.task.id))?;
        let words = format!("An agent asks: {}", format::first_line(&checkpoint.question, 120));
        let answer = Some(("Answer", Message::Answer(checkpoint.task.id)));
        Some(notice::banner(glyph::HAND, words, Tone::Attention, answer))
    }
}

fn later(shared: &Shared) -> Option<Task<Message>> {
    let api = shared.api.clone()?;
    Some(Task::perform(async move { api.sleep(LATER).await }, |()| {
        Message::Refresh
    }))
}

/// A pane's frame.
fn pane<'a, M: 'a>(content: impl Into<Element<'a, M>>) -> Element<'a, M> {
    container(content)
        .width(Length::Fill)
        .height(Length::Fill)
        .clip(true)
        .style(theme::container::card)
        .into()
}

/// A small button that is on or off, with its word.
fn toggle<'a, M: Clone + 'a>(label: &'a str, on: bool, message: M) -> Element<'a, M> {
    widget::button::choice(label, on, message)
}

//! What the tests of screens have in common.

use iced::{Element, Settings, Size};
use iced_test::Simulator;
use orchestrator_desktop_model::{
    Fleet, Link,
    fleet::Snapshot,
    settings::Settings as Kept,
    testing::{at, task},
};
use orchestrator_protocol::{Checkpoint, Json, TaskState, Worker};
use serde_json::{Value, json};

use super::Shared;
use crate::{
    connection::{Api, Target},
    theme::{self, font},
};

/// What screens share, when a snapshot has come.
pub(super) fn shared(workers: Vec<Worker>, checkpoints: Vec<Checkpoint>) -> Shared {
    let mut fleet = Fleet::default();
    let snapshot = Snapshot {
        workers,
        checkpoints,
        ..Snapshot::default()
    };
    fleet.open(snapshot, at(60.0));
    Shared {
        fleet,
        link: Link::Live,
        ..unknown()
    }
}

/// What screens share, before one has.
pub(super) fn unknown() -> Shared {
    Shared {
        api: Some(api()),
        fleet: Fleet::default(),
        link: Link::Connecting,
        settings: Kept::default(),
        now: at(60.0),
        zone: jiff::tz::TimeZone::UTC,
        size: Size::new(1280.0, 800.0),
    }
}

/// A connection that nothing is asked over: simulators run no tasks.
fn api() -> Api {
    let target = Target {
        url: "http://127.0.0.1:1".to_owned(),
        token: None,
    };
    futures::executor::block_on(Api::open(target)).expect("an address")
}

/// A checkpoint with everything that one can have.
pub(super) fn checkpoint(n: u64, content: Value) -> Checkpoint {
    let evaluation = json!({"scores": {"overall": 6.5, "security": 3.0}, "issues": ["A key is in the code"]});
    let context =
        json!({"branch": "main", "reviews": [{"reviewer": "ada", "verdict": "reject", "comment": "Not yet"}]});
    Checkpoint {
        task: task(n, None, TaskState::Waiting),
        question: format!("Question {n}"),
        content: Json::from(content),
        evaluation: Json::from(evaluation),
        context: Json::from(context),
    }
}

/// A simulator of a window of 1280 by 800.
pub(crate) fn look<Message>(view: Element<'_, Message>) -> Simulator<'_, Message> {
    let settings = Settings {
        fonts: font::FILES.into_iter().map(Into::into).collect(),
        default_font: font::BODY,
        default_text_size: theme::size::BODY.into(),
        ..Settings::default()
    };
    Simulator::with_size(settings, Size::new(1280.0, 800.0), view)
}

/// Whether a text is shown.
pub(super) fn shows<Message>(view: Element<'_, Message>, text: &str) -> bool {
    look(view).find(text).is_ok()
}

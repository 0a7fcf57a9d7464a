//! Pictures of every screen, for the documentation and for whoever judges how it looks.

use std::path::PathBuf;

use anyhow::{Context, Result};
use orchestrator_core::protocol::{NewTask, TaskId, TaskState};

use crate::{
    agents::{Article, Stream, described},
    look::{Look, Size},
    picture::Picture,
    process, say,
    seat::Seat,
    stage::{Programs, Stage},
};

/// How and where pictures are made.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Where {
    /// The folder that they go to
    #[arg(long, value_name = "DIR", default_value = "docs/screenshots")]
    out: PathBuf,
    /// Every screen in every size, instead of the choice that is kept with the documentation
    #[arg(long)]
    all: bool,
}

/// The screens, by how one gets there and what says that one is there.
const SCREENS: [(&str, &str); 6] = [
    ("overview", "Go to overview"),
    ("tasks", "Go to tasks"),
    ("checkpoints", "Go to checkpoints"),
    ("workers", "Go to workers"),
    ("new_task", "New task"),
    ("settings", "Go to settings"),
];

/// A server with a fleet on an ordinary day.
pub(crate) async fn stage(programs: &Programs) -> Result<Stage> {
    let mut stage = Stage::start(programs, None).await?;
    stage.work("build-7", 12)?;
    furnish(&stage).await?;
    Ok(stage)
}

/// What is written about.
const TOPICS: [&str; 3] = [
    "How agents share a queue",
    "What a lease protects",
    "Why waiting holds nothing",
];

/// Makes them all.
pub(crate) async fn run(programs: &Programs, place: &Where) -> Result<()> {
    let stage = stage(programs).await?;
    let shown = format!("Write: {}", TOPICS[0]);
    std::fs::create_dir_all(&place.out)?;
    for look in [Look::Light, Look::Dark] {
        for size in [Size::SMALL, Size::USUAL, Size::LARGE] {
            if !place.all && size != Size::USUAL {
                continue;
            }
            let mut page = Seat::page(&stage, size, look).await?;
            page.until_fact("link", "live").await?;
            tour(&mut page, place, size, look, &shown).await?;
            page.is_content(&[])?;
        }
    }
    if let Some(desktop) = &programs.desktop {
        let sizes = if place.all {
            vec![Size::SMALL, Size::USUAL, Size::LARGE]
        } else {
            vec![Size::USUAL]
        };
        for size in sizes {
            let mut window = Seat::window(&stage, desktop, size, Look::Dark).await?;
            window.until_fact("link", "live").await?;
            keep(&mut window, place, "window", size, Look::Dark).await?;
        }
    }
    stage.end().await;
    Ok(())
}

/// Every screen, one after the other.
async fn tour(seat: &mut Seat, place: &Where, size: Size, look: Look, shown: &str) -> Result<()> {
    for (screen, words) in SCREENS {
        // Words are hidden where it is narrow; the keyboard leads everywhere.
        seat.go(words, screen)
            .await
            .with_context(|| format!("the screen {screen}"))?;
        keep(seat, place, screen, size, look).await?;
    }
    seat.go("Go to tasks", "tasks").await?;
    seat.click(shown).await?;
    seat.until_fact("screen", "task").await?;
    keep(seat, place, "task", size, look).await?;
    seat.click("Output").await?;
    keep(seat, place, "output", size, look).await
}

async fn keep(seat: &mut Seat, place: &Where, name: &str, size: Size, look: Look) -> Result<()> {
    let picture: Picture = seat.picture().await?;
    let mut file = format!("{name}-{}", look.name());
    if place.all {
        file = format!("{file}-{}x{}", size.width, size.height);
    }
    let path = place.out.join(format!("{file}.png"));
    let bytes = picture.write()?;
    std::fs::write(&path, &bytes).with_context(|| format!("cannot write {}", path.display()))?;
    say(&format!("{} ({} kB)", path.display(), bytes.len() / 1000));
    Ok(())
}

/// Gives the fleet what it has on an ordinary day.
async fn furnish(stage: &Stage) -> Result<()> {
    let submit = async |task: NewTask| -> Result<TaskId> { Ok(stage.client.submit(&task).await?.value.id) };
    let mut done = Vec::new();
    for words in [
        "Nap while the index is built",
        "Refresh the vector store",
        "Summarise yesterday's incidents",
        "Check the licences of new dependencies",
    ] {
        done.push(submit(described("fan", words, &(6, 60, 40))?).await?);
    }
    for words in ["Build the payment module", "Build the mobile client"] {
        let id = submit(described("compile", words, &())?).await?;
        stage.reached(id, TaskState::Failed).await?;
    }
    for id in done {
        stage.reached(id, TaskState::Succeeded).await?;
    }
    for topic in TOPICS {
        let article = Article {
            topic: topic.to_owned(),
            pace_ms: 40,
        };
        submit(described("article", &format!("Write: {topic}"), &article)?).await?;
    }
    let long = Stream {
        lines: 100_000,
        every_ms: 120,
    };
    for words in ["Follow the release pipeline", "Watch the canary"] {
        submit(described("stream", words, &long)?).await?;
    }
    let mut needy = described("transcode", "Transcode the keynote", &())?;
    needy.requires = ["gpu".to_owned()].into();
    submit(needy).await?;
    process::until("three questions", async || {
        let page = stage
            .client
            .checkpoints(None, &orchestrator_client::api::PageQuery::default())
            .await?;
        Ok((page.items.len() == TOPICS.len()).then_some(()))
    })
    .await
}

//! Pictures of every screen, for the documentation and for whoever judges how it looks.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{
    fleet::{self, Fleet},
    look::{Look, Size},
    picture::Picture,
    say,
    seat::{Seat, Seen},
    stage::Programs,
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

/// The screens, by how one gets there and what says that one is there. The last ones draw what has gathered meanwhile.
const SCREENS: [(&str, &str); 6] = [
    ("tasks", "Go to tasks"),
    ("checkpoints", "Go to checkpoints"),
    ("new_task", "New task"),
    ("settings", "Go to settings"),
    ("workers", "Go to workers"),
    ("overview", "Go to overview"),
];

/// How many measurements of each machine the charts show.
const MEASURED: u32 = 8;

/// How many lines of output are on the way before they are pictured.
const LINES: usize = 60;

/// Makes them all.
pub(crate) async fn run(programs: &Programs, place: &Where) -> Result<()> {
    let fleet = fleet::start(programs).await?;
    std::fs::create_dir_all(&place.out)?;
    let mut page = Seat::page(&fleet.stage, Size::USUAL, Look::Light).await?;
    page.until_fact("link", "live").await?;
    for look in [Look::Light, Look::Dark] {
        for size in [Size::SMALL, Size::USUAL, Size::LARGE] {
            if !place.all && size != Size::USUAL {
                continue;
            }
            // One page for all: it knows the more, the longer it looks.
            page.show(size, look).await?;
            tour(&mut page, place, size, look, &fleet).await?;
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
            let mut window = Seat::window(&fleet.stage, desktop, size, Look::Dark).await?;
            window.until_fact("link", "live").await?;
            window.go("Go to checkpoints", "checkpoints").await?;
            window.until_words("Scores").await?;
            keep(&mut window, place, "window", size, Look::Dark).await?;
        }
    }
    fleet.stage.end().await;
    Ok(())
}

/// Every screen, one after the other.
async fn tour(seat: &mut Seat, place: &Where, size: Size, look: Look, fleet: &Fleet) -> Result<()> {
    for (task, picture, tab, shown) in [
        (fleet.running.as_str(), "task", None, "5 running"),
        (fleet.streaming.as_str(), "output", Some("Output"), ""),
        (
            fleet.done.as_str(),
            "result",
            Some("Input & result"),
            "Verdict: needs work",
        ),
    ] {
        seat.go("Go to tasks", "tasks").await?;
        seat.click(task).await?;
        seat.until_fact("screen", "task").await?;
        if let Some(tab) = tab {
            seat.click(tab).await?;
        }
        match picture {
            "output" => {
                seat.until("output on its way", |seen| (lines(seen)? >= LINES).then_some(()))
                    .await?;
            }
            _ => seat.until_words(shown).await?,
        }
        keep(seat, place, picture, size, look).await?;
    }
    for (screen, words) in SCREENS {
        // Words are hidden where it is narrow; the keyboard leads everywhere.
        seat.go(words, screen)
            .await
            .with_context(|| format!("the screen {screen}"))?;
        match screen {
            "workers" => fleet.measured(MEASURED).await?,
            "checkpoints" => seat.until_words("Verdict: needs work").await?,
            _ => {}
        }
        keep(seat, place, screen, size, look).await?;
    }
    Ok(())
}

/// How many lines the output has that is shown.
fn lines(seen: &Seen) -> Option<usize> {
    let all = seen.find(" lines · ")?;
    all.text.split(' ').next()?.parse().ok()
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

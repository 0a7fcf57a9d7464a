//! What people do every day, and what goes wrong.

use anyhow::{Context, Result, ensure};
use orchestrator_client::api::TaskQuery;
use orchestrator_core::protocol::{Task, TaskState};

use crate::{
    agents::{Article, described},
    browser::Key,
    look::{Look, Size},
    process, say,
    seat::Seat,
    stage::{Programs, Stage},
};

/// A token of a server that asks for one.
const TOKEN: &str = "a-token-of-the-tests/with=signs";

/// Tries everything.
pub(crate) async fn run(programs: &Programs) -> Result<()> {
    let mut stage = Stage::start(programs, None).await?;
    stage.work("desk", 8)?;
    let mut page = Seat::page(&stage, Size::USUAL, Look::Light).await?;
    job(&mut page, &stage, "Queues")
        .await
        .context("the job, in a browser")?;
    say("in a browser: a task was created, watched, corrected, and read when it was done");
    odd(&mut page, &stage).await.context("odd tasks, in a browser")?;
    say("in a browser: names in Arabic and with emoji, a failure, and 10 MB of output are shown");
    page.is_content(&[])?;
    lost(&mut page, &mut stage).await.context("a server that is killed")?;
    say("in a browser: it noticed that the server was killed, and went on where it was when it came back");
    drop(page);
    if let Some(desktop) = &programs.desktop {
        let mut window = Seat::window(&stage, desktop, Size::USUAL, Look::Dark).await?;
        job(&mut window, &stage, "Leases")
            .await
            .context("the job, in a window")?;
        say("in a window: the same job");
    }
    stage.end().await;
    locked(programs).await.context("a server that asks for a token")?;
    say("in a browser: a wrong token is said to be wrong, and the right one lets in");
    Ok(())
}

/// The whole job without a terminal: a task, its checkpoint corrected, its revision accepted, its result read.
async fn job(seat: &mut Seat, stage: &Stage, topic: &str) -> Result<()> {
    seat.until_fact("link", "live").await?;
    seat.key(Key::Letter('n'), true).await?;
    seat.until_fact("screen", "new_task").await?;
    seat.click_field("Type").await?;
    seat.write("article").await?;
    seat.click_field("Input").await?;
    seat.write(&format!("{{\"topic\": \"{topic}\"}}")).await?;
    seat.click("Create task").await?;
    seat.until_fact("screen", "task").await?;
    let task = newest(stage).await?;
    ensure!(task.task_type == "article", "another task came of it: {task:?}");
    seat.until_fact("checkpoints", "1").await?;

    seat.click("Checkpoints").await?;
    seat.until_words("Publish this text?").await?;
    decide(seat, "Correct", Some("Say more of workers")).await?;
    let revised = "Revised: Say more of workers";
    seat.until(&format!("'{revised}'"), |seen| seen.find(revised).map(drop))
        .await?;
    decide(seat, "Accept", None).await?;
    let done = stage.reached(task.id, TaskState::Succeeded).await?;
    let output = done.output.context("an output")?;
    ensure!(output.get().contains(revised), "{}", output.get());
    seat.until_fact("checkpoints", "0").await?;

    seat.click("Tasks").await?;
    seat.until_fact("screen", "tasks").await?;
    Ok(())
}

/// Decides at the checkpoint that is shown.
async fn decide(seat: &mut Seat, verdict: &str, feedback: Option<&str>) -> Result<()> {
    if let Some(feedback) = feedback {
        seat.click_field(verdict).await?;
        seat.write(feedback).await?;
    }
    seat.click(verdict).await
}

async fn newest(stage: &Stage) -> Result<Task> {
    process::until("a task", async || {
        let query = TaskQuery {
            roots_only: true,
            limit: Some(1),
            ..TaskQuery::default()
        };
        Ok(stage.client.tasks(&query).await?.items.into_iter().next())
    })
    .await
}

/// What is seldom, and must be shown all the same.
async fn odd(seat: &mut Seat, stage: &Stage) -> Result<()> {
    let names = ["مراجعة وحدة الدفع", "修复 🚀🧪 bug", "an ordinary one"];
    for name in names {
        let task = described("compile", name, &())?;
        let made = stage.client.submit(&task).await?.value;
        stage.reached(made.id, TaskState::Failed).await?;
    }
    let large = described("large", "ten megabytes", &10_000_000)?;
    let large = stage.client.submit(&large).await?.value;
    stage.reached(large.id, TaskState::Succeeded).await?;
    seat.click("Tasks").await?;
    for name in names {
        seat.until_words(name).await?;
    }
    seat.click("ten megabytes").await?;
    seat.until_fact("screen", "task").await?;
    seat.until_words("Succeeded").await
}

/// The server is killed and comes back; what was looked at is still looked at.
async fn lost(seat: &mut Seat, stage: &mut Stage) -> Result<()> {
    let place = seat
        .until("a place", |seen| Some(seen.fact("screen").to_owned()))
        .await?;
    stage.kill_server().await?;
    seat.until_fact("link", "lost").await?;
    stage.restart_server().await?;
    seat.until_fact("link", "live").await?;
    seat.until_fact("screen", &place).await?;
    let article = Article {
        topic: "What came after".to_owned(),
        pace_ms: 0,
    };
    let task = described("article", "What came after", &article)?;
    stage.client.submit(&task).await?;
    seat.until_fact("checkpoints", "1").await?;
    // What waits is not for the next test.
    let waiting = stage
        .client
        .checkpoints(None, &orchestrator_client::api::PageQuery::default())
        .await?;
    for checkpoint in waiting.items {
        stage.client.cancel(checkpoint.task.root_id).await?;
    }
    seat.until_fact("checkpoints", "0").await
}

/// A server that asks for a token: without one, with a wrong one, and with the right one.
async fn locked(programs: &Programs) -> Result<()> {
    let stage = Stage::start(programs, Some(TOKEN)).await?;
    let mut page = Seat::page(&stage, Size::USUAL, Look::Dark).await?;
    page.until_fact("link", "ended").await?;
    page.until_words("token").await?;
    for (token, link) in [("a-wrong-token", "ended"), (TOKEN, "live")] {
        page.click("Settings").await?;
        page.until_fact("screen", "settings").await?;
        page.click("Change").await?;
        page.click_field("Token").await?;
        page.write(token).await?;
        page.click("Save").await?;
        page.until_fact("link", link).await?;
    }
    // The browser itself says of each refusal that there was one.
    page.is_content(&["401", "WebSocket connection"])?;
    kept_nowhere(&mut page).await?;
    stage.end().await;
    Ok(())
}

/// The token is in no address, no storage and no text of the page.
async fn kept_nowhere(page: &mut Seat) -> Result<()> {
    let Seat::Page(browser) = page else { return Ok(()) };
    let everything = "JSON.stringify([location.href, {...localStorage}, {...sessionStorage}, document.cookie, \
        document.documentElement.outerHTML, performance.getEntriesByType('resource').map(one => one.name)])";
    let everything = browser.value(everything).await?;
    let everything = everything.as_str().context("the page's memory")?;
    ensure!(!everything.contains(TOKEN), "the token is told: {everything}");
    Ok(())
}

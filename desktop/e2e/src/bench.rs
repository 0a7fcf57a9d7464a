//! How fast the app is, as its users meet it: in a browser, measured from outside of the app, and its window's start.

use std::{cell::RefCell, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use orchestrator_core::protocol::{NewTask, TaskState};
use tokio::time::{Instant, sleep};

use crate::{
    agents::{Stream, described},
    browser::Browser,
    look::{Look, Size},
    process, say,
    seat::{Seat, Seen, Word},
    stage::{Programs, Stage},
};

/// How many tasks the list has that is scrolled.
const TASKS: usize = 100_000;

/// How many tasks the graph has.
const NODES: u32 = 500;

/// How many tasks write while it is measured how soon that is seen, and how often each does.
const WRITERS: u32 = 50;
const EVERY_MS: u64 = 100;

/// How long frames and lines are counted.
const LONG: Duration = Duration::from_secs(10);

/// How often a start is measured.
const STARTS: usize = 7;

/// Runs in the page before the app does: notes when something was drawn, when that changed what is in `region`, and when
/// the page had been given a line that says when it was written; and lets a `hand` do something before each frame.
const WATCH: &str = "(() => { const at = () => performance.timeOrigin + performance.now(); \
    const seen = window.measured = {drawn: [], changed: [], lines: [], frames: [], first: 0, region: null, hand: null}; \
    const draw = CanvasRenderingContext2D.prototype.putImageData; \
    let before = 0; \
    CanvasRenderingContext2D.prototype.putImageData = function (...all) { \
        const done = draw.apply(this, all); \
        const now = at(); \
        seen.drawn.push(now); \
        seen.first ||= performance.now(); \
        if (seen.region) { \
            let sum = 0; \
            for (const byte of this.getImageData(...seen.region).data) sum = (sum * 31 + byte) | 0; \
            if (sum !== before) seen.changed.push(now); \
            before = sum; \
        } \
        return done; }; \
    const ask = window.fetch; \
    window.fetch = async (...all) => { \
        const answer = await ask.apply(window, all); \
        if (!answer.url.includes('/logs')) return answer; \
        const text = await answer.text(); \
        for (const line of text.matchAll(/\"text\":\"(\\d{16}) line/g)) seen.lines.push([+line[1] / 1000, at()]); \
        const {status, headers, url} = answer; \
        return Object.defineProperty(new Response(text, {status, headers}), 'url', {value: url}); }; \
    const frame = () => { seen.frames.push(performance.now()); seen.hand?.(); requestAnimationFrame(frame); }; \
    requestAnimationFrame(frame); })()";

/// Measures everything, and says it.
pub(crate) async fn run(programs: &Programs) -> Result<()> {
    weigh(&programs.dashboard)?;
    let mut stage = Stage::start(programs, None).await?;
    stage.work("bench", 600)?;
    start_in_a_browser(&stage).await?;
    if let Some(desktop) = &programs.desktop {
        start_as_a_window(&stage, desktop).await?;
    }
    output(&stage).await.context("the output of many")?;
    graph(&stage).await.context("a large graph")?;
    scroll(&stage).await.context("a long list")?;
    if let Some(desktop) = &programs.desktop {
        memory(&stage, desktop).await?;
    }
    stage.end().await;
    Ok(())
}

/// What a browser loads.
fn weigh(folder: &Path) -> Result<()> {
    let mut bytes = 0;
    for folder in [folder.to_owned(), folder.join("assets")] {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let (name, is_font) = (Path::new(&name), name.to_string_lossy().contains(".ttf."));
            // Fonts are loaded only where a text needs them.
            if name.extension().is_some_and(|ending| ending == "br") && !is_font {
                bytes += entry.metadata()?.len();
            }
        }
    }
    say(&format!("the app as a browser loads it: {:.2} MB", bytes as f64 / 1e6));
    Ok(())
}

async fn measured(stage: &Stage) -> Result<Browser> {
    let mut browser = Browser::start(stage.folder.path()).await?;
    browser.show(Size::USUAL, Look::Light).await?;
    browser.before_pages(WATCH).await?;
    browser.open(&stage.url).await?;
    Ok(browser)
}

async fn number(browser: &mut Browser, expression: &str) -> Result<f64> {
    let value = browser.value(expression).await?;
    value.as_f64().with_context(|| format!("{expression}: {value}"))
}

async fn numbers(browser: &mut Browser, expression: &str) -> Result<Vec<f64>> {
    let value = browser.value(expression).await?;
    Ok(serde_json::from_value(value)?)
}

/// From the address to the first picture, each time with an empty cache.
async fn start_in_a_browser(stage: &Stage) -> Result<()> {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let mut browser = measured(stage).await?;
        let first = process::until("a first frame", async || {
            let first = number(&mut browser, "window.measured?.first ?? 0").await?;
            Ok((first > 0.0).then_some(first))
        })
        .await?;
        times.push(first);
    }
    tell("first frame in a browser", "ms", &mut times);
    Ok(())
}

/// From the program's start until it shows what the server has.
async fn start_as_a_window(stage: &Stage, program: &Path) -> Result<()> {
    let (mut times, mut bytes) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let mut window = crate::window::Window::screen(Size::USUAL, stage.folder.path()).await?;
        let began = now();
        window.launch(program, &stage.url, Look::Light, stage.folder.path())?;
        while !window.told()?.is_some_and(|told| told.contains("\"link\":\"live\"")) {
            ensure!(began.elapsed() < process::PATIENCE, "the window does not come");
            sleep(Duration::from_millis(4)).await;
        }
        times.push(began.elapsed().as_secs_f64() * 1e3);
        bytes.extend(window.memory().map(|bytes| bytes as f64 / 1e6));
    }
    tell("start of the window until it is live", "ms", &mut times);
    tell("memory of the window", "MB", &mut bytes);
    Ok(())
}

/// From a line's writing by its agent until a frame is drawn that has it: the first one that changed the place of the
/// last line after the page had been given it.
async fn output(stage: &Stage) -> Result<()> {
    let stream = Stream {
        lines: 1_000_000,
        every_ms: EVERY_MS,
    };
    let mut all = Vec::new();
    for n in 0..WRITERS {
        let task = described("stream", &format!("writer {n}"), &stream)?;
        all.push(stage.client.submit(&task).await?.value.id);
    }
    for id in &all {
        stage.reached(*id, TaskState::Running).await?;
    }
    let mut seat = Seat::Page(Box::new(measured(stage).await?));
    seat.until_fact("link", "live").await?;
    seat.click("Tasks").await?;
    seat.click("writer 49").await?;
    seat.until_fact("screen", "task").await?;
    // Once the pane is full, the newest line is always at the same place.
    let before = RefCell::new(None);
    let place = seat
        .until("lines down to the end of the pane", |seen| {
            let (text, place) = last_line(seen)?;
            let before = before.replace(Some((text.clone(), place)));
            before
                .is_some_and(|(other, there)| other != text && is_near(there, place))
                .then_some(place)
        })
        .await?;
    let Seat::Page(browser) = &mut seat else {
        unreachable!("made above")
    };
    let [x, y, width, height] = place.map(f64::round);
    browser
        .value(&format!(
            "window.measured.region = [{x}, {y}, {width}, {height}], window.measured.lines.length = 0"
        ))
        .await?;
    sleep(LONG * 2).await;
    for (from, what) in [
        ("written", format!("from written to drawn, {WRITERS} tasks writing")),
        ("came", "  of that in the page".to_owned()),
    ] {
        let mut late = numbers(
            browser,
            &format!(
                "(() => {{ const {{lines, changed}} = window.measured; return lines.flatMap(([written, came]) => {{ \
                 const shown = changed.find(at => at > came); return shown ? [shown - {from}] : []; }}); }})()"
            ),
        )
        .await?;
        ensure!(late.len() > 100, "{} lines were seen", late.len());
        tell(&what, "ms", &mut late);
    }
    for id in all {
        stage.client.cancel(id).await?;
    }
    Ok(())
}

/// Frames while a graph changes all the time.
async fn graph(stage: &Stage) -> Result<()> {
    // One ends every twentieth of a second, from before it is looked at until after.
    let fan = described("fan", "a large graph", &(NODES, 1_000_u64, 50_u64))?;
    let id = stage.client.submit(&fan).await?.value.id;
    let mut seat = Seat::Page(Box::new(measured(stage).await?));
    seat.until_fact("link", "live").await?;
    seat.click("Tasks").await?;
    seat.click("a large graph").await?;
    seat.until_fact("screen", "task").await?;
    let Seat::Page(browser) = &mut seat else {
        unreachable!("made above")
    };
    frames(browser, &format!("a graph of {NODES} tasks that changes"), Hand::Still).await?;
    let zoomed = format!("a graph of {NODES} tasks, zoomed");
    frames(browser, &zoomed, Hand::Zooms).await?;
    stage.client.cancel(id).await?;
    Ok(())
}

/// Frames while a long list is scrolled.
async fn scroll(stage: &Stage) -> Result<()> {
    let tasks: Vec<NewTask> = (0..1_000)
        .map(|n| described("nobody", &format!("task {n} of many"), &n))
        .collect::<Result<_, _>>()?;
    for _ in 0..TASKS / tasks.len() {
        stage.client.submit_all(&tasks).await?;
    }
    let mut seat = Seat::Page(Box::new(measured(stage).await?));
    seat.until_fact("link", "live").await?;
    seat.click("Tasks").await?;
    seat.until_fact("screen", "tasks").await?;
    seat.until_words("of many").await?;
    let Seat::Page(browser) = &mut seat else {
        unreachable!("made above")
    };
    frames(browser, &format!("a list of {TASKS} tasks, scrolled"), Hand::Scrolls).await
}

/// The last line that a task wrote, and its place: from side to side, and from top to bottom.
fn last_line(seen: &Seen) -> Option<(String, [f64; 4])> {
    let is_line = |word: &&Word| word.text.contains(" line ") && word.text.starts_with(|c: char| c.is_ascii_digit());
    let lines = seen.words.iter().filter(is_line);
    let last = lines.max_by(|a, b| a.y.total_cmp(&b.y))?;
    Some((last.text.clone(), [last.x, last.y, last.width, last.height]))
}

/// Whether two places are the same.
fn is_near(one: [f64; 4], other: [f64; 4]) -> bool {
    one.iter().zip(other).all(|(one, other)| (one - other).abs() < 0.5)
}

/// What is done with the wheel before each frame, while frames are counted.
#[derive(Clone, Copy)]
enum Hand {
    Still,
    Scrolls,
    Zooms,
}

impl Hand {
    /// By how much it turns, the `n`th time.
    fn turn(self) -> &'static str {
        match self {
            Self::Still => "0",
            Self::Scrolls => "240",
            // Closer for a while, then away again.
            Self::Zooms => "n++ % 80 < 40 ? -12 : 12",
        }
    }
}

/// Counts frames for a while: those that the browser could show, and those that were drawn.
async fn frames(browser: &mut Browser, what: &str, hand: Hand) -> Result<()> {
    let (x, y) = (700.0, 450.0);
    // What is under the pointer is scrolled.
    browser.point(x, y).await?;
    // Turned from within the page, since a browser that is driven takes 40 ms for each turn.
    let turn = hand.turn();
    browser
        .value(&format!(
            "(() => {{ let n = 0; const canvas = document.querySelector('canvas'); const turn = () => {{ \
             const deltaY = {turn}; if (deltaY) canvas.dispatchEvent(new WheelEvent('wheel', \
             {{deltaY, clientX: {x}, clientY: {y}, bubbles: true, cancelable: true}})); }}; \
             window.measured.hand = turn; window.measured.frames.length = window.measured.drawn.length = 0; }})()"
        ))
        .await?;
    sleep(LONG).await;
    browser.value("window.measured.hand = null").await?;
    let drawn = number(browser, "window.measured.drawn.length").await?;
    let mut between = numbers(
        browser,
        "window.measured.frames.slice(1).map((at, n) => at - window.measured.frames[n])",
    )
    .await?;
    let seconds: f64 = between.iter().sum::<f64>() / 1e3;
    say(&format!(
        "{what}: {:.1} frames a second, {:.1} of them drawn",
        between.len() as f64 / seconds,
        drawn / seconds
    ));
    tell("  between two frames", "ms", &mut between);
    Ok(())
}

/// What the window holds when the server has much.
async fn memory(stage: &Stage, program: &Path) -> Result<()> {
    let mut seat = Seat::window(stage, program, Size::USUAL, Look::Light).await?;
    seat.until_fact("link", "live").await?;
    seat.click("Tasks").await?;
    seat.until_words("of many").await?;
    let Seat::Window(window) = &seat else {
        unreachable!("made above")
    };
    let bytes = window.memory().context("the memory of the window")?;
    say(&format!(
        "memory of the window with {TASKS} tasks: {:.0} MB",
        bytes as f64 / 1e6
    ));
    Ok(())
}

/// Says the middle, the 99th hundredth and the worst of some numbers.
fn tell(what: &str, unit: &str, numbers: &mut [f64]) {
    numbers.sort_unstable_by(f64::total_cmp);
    let at = |part: f64| {
        numbers
            .get(((numbers.len() - 1) as f64 * part).round() as usize)
            .copied()
            .unwrap_or_default()
    };
    if numbers.is_empty() {
        return say(&format!("{what}: nothing was measured"));
    }
    let (middle, late, worst) = (at(0.5), at(0.99), at(1.0));
    say(&format!(
        "{what}: {middle:.1} {unit} (p99 {late:.1}, worst {worst:.1}, {} times)",
        numbers.len()
    ));
}

fn now() -> Instant {
    Instant::now()
}

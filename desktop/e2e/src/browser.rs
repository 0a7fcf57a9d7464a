//! A browser without a screen, and a page in it.

mod devtools;

use std::path::Path;

use anyhow::{Context, Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use self::devtools::DevTools;
use crate::{
    look::{Look, Size},
    process::{self, Process},
};

/// What a browser is called, on one system and another.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// What is drawn must be the same everywhere, and nothing may go on that nobody asked for.
const FLAGS: [&str; 14] = [
    "--headless=new",
    "--remote-debugging-port=0",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-dev-shm-usage",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "about:blank",
];

/// A browser with one page.
pub(crate) struct Browser {
    tools: DevTools,
    page: String,
    /// What went wrong in the page, as it came.
    complaints: Vec<String>,
    process: Process,
    _profile: TempDir,
}

impl Browser {
    /// Starts one; its log goes to the folder.
    pub(crate) async fn start(folder: &Path) -> Result<Self> {
        let program = process::find(&NAMES, "chromium")?;
        let profile = tempfile::tempdir()?;
        let mut command = Command::new(program);
        command
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .args(FLAGS);
        // In a container everyone is root, and a browser's sandbox cannot be made; what is loaded is ours.
        if cfg!(target_os = "linux") && is_root() {
            command.arg("--no-sandbox");
        }
        let mut process = Process::start("browser", &mut command, folder)?;
        let told = profile.path().join("DevToolsActivePort");
        let (port, path) = process
            .until("the browser's start", |_| {
                let text = std::fs::read_to_string(&told).ok()?;
                let (port, path) = text.split_once('\n')?;
                Some((port.parse().ok()?, path.trim().to_owned()))
            })
            .await?;
        let mut tools = DevTools::connect(port, &path).await?;
        let made = tools
            .command(None, "Target.createTarget", json!({"url": "about:blank"}))
            .await?;
        let attached = tools
            .command(
                None,
                "Target.attachToTarget",
                json!({"targetId": made["targetId"], "flatten": true}),
            )
            .await?;
        let page = attached["sessionId"].as_str().context("a page")?.to_owned();
        let mut browser = Self {
            tools,
            page,
            complaints: Vec::new(),
            process,
            _profile: profile,
        };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.command(&format!("{domain}.enable"), json!({})).await?;
        }
        Ok(browser)
    }

    async fn command(&mut self, method: &str, parameters: Value) -> Result<Value> {
        let page = self.page.clone();
        let answer = self.tools.command(Some(&page), method, parameters).await;
        for event in self.tools.events() {
            self.complaints.extend(complaint(&event));
        }
        self.process.is_alive()?;
        answer
    }

    /// What went wrong in the page since this was last asked: exceptions, errors of its console, refusals of its policy.
    pub(crate) fn complaints(&mut self) -> Vec<String> {
        std::mem::take(&mut self.complaints)
    }

    /// How large the page is, and in which look.
    pub(crate) async fn show(&mut self, size: Size, look: Look) -> Result<()> {
        let metrics = json!({"width": size.width, "height": size.height, "deviceScaleFactor": 1, "mobile": false});
        self.command("Emulation.setDeviceMetricsOverride", metrics).await?;
        let feature = json!({"name": "prefers-color-scheme", "value": look.name()});
        self.command("Emulation.setEmulatedMedia", json!({"features": [feature]}))
            .await?;
        Ok(())
    }

    /// Runs a script in every page to come, before anything of the page.
    pub(crate) async fn before_pages(&mut self, script: &str) -> Result<()> {
        let asked = json!({"source": script});
        self.command("Page.addScriptToEvaluateOnNewDocument", asked).await?;
        Ok(())
    }

    /// Goes to a page.
    pub(crate) async fn open(&mut self, url: &str) -> Result<()> {
        let answer = self.command("Page.navigate", json!({"url": url})).await?;
        if let Some(error) = answer["errorText"].as_str() {
            bail!("{url} cannot be opened: {error}");
        }
        Ok(())
    }

    /// What an expression of the page is worth.
    pub(crate) async fn value(&mut self, expression: &str) -> Result<Value> {
        let asked = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let mut answer = self.command("Runtime.evaluate", asked).await?;
        if let Some(exception) = answer.get("exceptionDetails") {
            bail!("{expression}: {exception}");
        }
        Ok(answer["result"]["value"].take())
    }

    /// Clicks at a place.
    pub(crate) async fn click(&mut self, x: f64, y: f64) -> Result<()> {
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            let button = if kind == "mouseMoved" { "none" } else { "left" };
            let event = json!({"type": kind, "x": x, "y": y, "button": button, "clickCount": 1});
            self.command("Input.dispatchMouseEvent", event).await?;
        }
        Ok(())
    }

    /// Moves the pointer to a place.
    pub(crate) async fn point(&mut self, x: f64, y: f64) -> Result<()> {
        let moved = json!({"type": "mouseMoved", "x": x, "y": y, "button": "none"});
        self.command("Input.dispatchMouseEvent", moved).await?;
        Ok(())
    }

    /// Types a text, a key after the other.
    pub(crate) async fn write(&mut self, text: &str) -> Result<()> {
        for letter in text.chars() {
            let letter = letter.to_string();
            let event = json!({"type": "keyDown", "text": letter, "key": letter, "unmodifiedText": letter});
            self.command("Input.dispatchKeyEvent", event).await?;
            self.command("Input.dispatchKeyEvent", json!({"type": "keyUp", "key": letter}))
                .await?;
        }
        Ok(())
    }

    /// Presses a key, with Ctrl if wanted.
    pub(crate) async fn key(&mut self, key: Key, ctrl: bool) -> Result<()> {
        let (name, code, number, text) = key.names();
        let modifiers = if ctrl { 2 } else { 0 };
        let mut event = json!({
            "type": if ctrl || text.is_empty() { "rawKeyDown" } else { "keyDown" },
            "key": name, "code": code, "windowsVirtualKeyCode": number, "modifiers": modifiers,
        });
        if !ctrl && !text.is_empty() {
            event["text"] = json!(text);
        }
        // As a person does it: Ctrl goes down first.
        let control = |kind: &str| {
            json!({"type": kind, "key": "Control", "code": "ControlLeft", "windowsVirtualKeyCode": 17,
                "modifiers": if kind == "keyUp" { 0 } else { 2 }})
        };
        if ctrl {
            self.command("Input.dispatchKeyEvent", control("rawKeyDown")).await?;
        }
        self.command("Input.dispatchKeyEvent", event.clone()).await?;
        event["type"] = json!("keyUp");
        self.command("Input.dispatchKeyEvent", event).await?;
        if ctrl {
            self.command("Input.dispatchKeyEvent", control("keyUp")).await?;
        }
        Ok(())
    }

    /// A picture of the page, as PNG.
    pub(crate) async fn picture(&mut self) -> Result<Vec<u8>> {
        let answer = self
            .command(
                "Page.captureScreenshot",
                json!({"format": "png", "optimizeForSpeed": false}),
            )
            .await?;
        Ok(STANDARD.decode(answer["data"].as_str().context("a picture")?)?)
    }
}

/// A key that is not a letter of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Enter,
    Letter(char),
}

impl Key {
    /// Its name, where it is, its number, and the text that it makes.
    fn names(self) -> (String, String, u32, &'static str) {
        let named = |name: &str, number, text| (name.to_owned(), name.to_owned(), number, text);
        match self {
            Self::Enter => named("Enter", 13, "\r"),
            Self::Letter(letter) => {
                let upper = letter.to_ascii_uppercase();
                (letter.to_string(), format!("Key{upper}"), upper as u32, "")
            }
        }
    }
}

/// What an event of the browser complains of.
fn complaint(event: &Value) -> Option<String> {
    let parameters = &event["params"];
    match event["method"].as_str()? {
        "Runtime.exceptionThrown" => {
            let details = &parameters["exceptionDetails"];
            let said = details["exception"]["description"]
                .as_str()
                .or(details["text"].as_str());
            // How the event loop takes over; see the page's script.
            said.filter(|said| !said.contains("control flow")).map(str::to_owned)
        }
        "Runtime.consoleAPICalled" if parameters["type"] == "error" => {
            let said = parameters["args"].as_array()?.iter();
            let said = said.filter_map(|said| said["value"].as_str().or(said["description"].as_str()));
            Some(said.collect::<Vec<_>>().join(" "))
        }
        "Log.entryAdded" if parameters["entry"]["level"] == "error" => {
            let entry = &parameters["entry"];
            Some(format!(
                "{} ({})",
                entry["text"].as_str()?,
                entry["url"].as_str().unwrap_or("?")
            ))
        }
        _ => None,
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|meta| {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            meta.uid() == 0
        }
        #[cfg(not(unix))]
        {
            drop(meta);
            false
        }
    })
}

//! The app as a window, on a screen that is only in memory.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;
use tokio::process::Command;

use crate::{
    look::{Look, Size},
    process::{self, Process},
};

/// A window that fills its screen.
pub(crate) struct Window {
    app: Option<Process>,
    screen: Process,
    display: String,
    xdotool: PathBuf,
    /// The screen's memory, and what the app keeps.
    folder: TempDir,
}

impl Window {
    /// Opens the app, connected to a server, on a screen of its own.
    pub(crate) async fn open(program: &Path, url: &str, size: Size, look: Look, logs: &Path) -> Result<Self> {
        let mut window = Self::screen(size, logs).await?;
        window.launch(program, url, look, logs)?;
        let id = window.find().await?;
        // Without a window manager nobody else gives it the keyboard.
        window.xdotool(&["windowmove", &id, "0", "0"]).await?;
        let (width, height) = (size.width.to_string(), size.height.to_string());
        window.xdotool(&["windowsize", &id, &width, &height]).await?;
        window.xdotool(&["windowfocus", &id]).await?;
        Ok(window)
    }

    /// A screen that has nothing on it.
    pub(crate) async fn screen(size: Size, logs: &Path) -> Result<Self> {
        let xvfb = process::find(&["Xvfb"], "xvfb")?;
        let xdotool = process::find(&["xdotool"], "xdotool")?;
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(xvfb);
        command
            // When its last client leaves, a screen begins anew and refuses whoever comes meanwhile: that would be the app,
            // where somebody looked for its window right before.
            .arg("-noreset")
            .args(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0"])
            .arg(format!("{}x{}x24", size.width, size.height))
            .arg("-fbdir")
            .arg(folder.path());
        let mut screen = Process::start("screen", &mut command, logs)?;
        let display = screen
            .until("the screen's start", |said| {
                said.lines().find_map(|line| line.trim().parse::<u32>().ok())
            })
            .await?;
        Ok(Self {
            app: None,
            screen,
            display: format!(":{display}"),
            xdotool,
            folder,
        })
    }

    /// Starts the app on the screen.
    pub(crate) fn launch(&mut self, program: &Path, url: &str, look: Look, logs: &Path) -> Result<()> {
        let home = self.folder.path();
        let settings = home.join("orchestrator");
        std::fs::create_dir_all(&settings)?;
        let kept = serde_json::json!({"mode": look.name()});
        std::fs::write(settings.join("settings.json"), kept.to_string())?;
        let mut command = Command::new(program);
        command
            .args(["--server", url])
            .env("NO_COLOR", "1")
            .env("DISPLAY", &self.display)
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("ORCHESTRATOR_TOKEN")
            .env("HOME", home)
            .env("XDG_CONFIG_HOME", home)
            .env("XDG_RUNTIME_DIR", home)
            .env("ICED_BACKEND", "tiny-skia")
            .env("WINIT_X11_SCALE_FACTOR", "1")
            // What is drawn, in words.
            .env("RUST_LOG", "warn,orchestrator_desktop::words=trace");
        self.app = Some(Process::start("app", &mut command, logs)?);
        Ok(())
    }

    fn app(&mut self) -> Result<&mut Process> {
        self.app.as_mut().context("the app was not started")
    }

    async fn find(&mut self) -> Result<String> {
        process::until("the app's window", async || {
            self.app()?.is_alive()?;
            let found = self
                .xdotool(&["search", "--onlyvisible", "--name", "Orchestrator"])
                .await?;
            Ok(found.lines().next().map(str::to_owned))
        })
        .await
    }

    async fn xdotool(&self, words: &[&str]) -> Result<String> {
        let done = Command::new(&self.xdotool)
            .args(words)
            .env("DISPLAY", &self.display)
            .output()
            .await?;
        // It fails when it finds nothing, which is for the caller to say.
        if !done.status.success() && words.first() != Some(&"search") {
            bail!("xdotool {words:?}: {}", String::from_utf8_lossy(&done.stderr));
        }
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    }

    /// Moves the pointer to a place.
    pub(crate) async fn point(&self, x: f64, y: f64) -> Result<()> {
        let (x, y) = (format!("{x:.0}"), format!("{y:.0}"));
        self.xdotool(&["mousemove", &x, &y]).await?;
        Ok(())
    }

    /// Clicks at a place.
    pub(crate) async fn click(&self, x: f64, y: f64) -> Result<()> {
        let (x, y) = (format!("{x:.0}"), format!("{y:.0}"));
        self.xdotool(&["mousemove", "--sync", &x, &y]).await?;
        self.xdotool(&["click", "1"]).await?;
        Ok(())
    }

    /// Types a text, a key after the other.
    pub(crate) async fn write(&self, text: &str) -> Result<()> {
        self.xdotool(&["type", "--delay", "30", "--", text]).await?;
        Ok(())
    }

    /// Presses keys, as in `ctrl+n`.
    pub(crate) async fn key(&self, keys: &str) -> Result<()> {
        self.xdotool(&["key", keys]).await?;
        Ok(())
    }

    /// The last that the app said of what it shows.
    pub(crate) fn told(&mut self) -> Result<Option<String>> {
        self.screen.is_alive()?;
        let app = self.app()?;
        app.is_alive()?;
        let said = app.said();
        let told = said
            .lines()
            .rev()
            .find_map(|line| line.split_once("shows "))
            .map(|(_, told)| told.to_owned());
        Ok(told)
    }

    /// The memory that the app holds, in bytes.
    pub(crate) fn memory(&self) -> Option<u64> {
        self.app.as_ref()?.memory()
    }

    /// What is on the screen: its size, and red, green and blue of each pixel.
    pub(crate) fn pixels(&self) -> Result<(Size, Vec<u8>)> {
        let bytes = std::fs::read(self.folder.path().join("Xvfb_screen0")).context("the screen's memory")?;
        // The format of `xwd`: a header of numbers, colours that are not used here, then the pixels.
        let number = |n: usize| {
            let bytes = bytes.get(n * 4..n * 4 + 4).context("the screen's header")?;
            Ok::<_, anyhow::Error>(u32::from_be_bytes(bytes.try_into()?) as usize)
        };
        let (header, width, height) = (number(0)?, number(4)?, number(5)?);
        let (bits, line, colours) = (number(11)?, number(12)?, number(19)?);
        ensure!(bits == 32, "the screen has {bits} bits a pixel, and 32 are understood");
        let start = header + colours * 12;
        let mut pixels = Vec::with_capacity(width * height * 3);
        for y in 0..height {
            let row = bytes
                .get(start + y * line..start + y * line + width * 4)
                .context("the screen's rows")?;
            pixels.extend(row.chunks_exact(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]));
        }
        let size = Size {
            width: width as u32,
            height: height as u32,
        };
        Ok((size, pixels))
    }
}

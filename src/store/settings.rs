//! How the window looks and what was open. One TOML file; what this version does not know is kept. A file
//! that can't be understood gives the defaults *and the error*; the next change keeps it as `NAME.1`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::atomic::{self, Change, Keep};
use crate::model::error::Retry;
use crate::model::{Error, ErrorKind, Result};

/// Stage of every error here.
const STAGE: &str = "settings";

/// Colours of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the system.
    #[default]
    System,
    /// Dark.
    Dark,
    /// Light.
    Light,
    /// Most contrast.
    HighContrast,
}

/// How close rows stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Density {
    /// 22 points.
    Compact,
    /// 28 points.
    #[default]
    Normal,
    /// 34 points.
    Roomy,
}

/// Whether things move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Motion {
    /// As designed.
    #[default]
    Full,
    /// Nothing slides or fades.
    Reduced,
}

/// Something opened before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recent {
    /// Path or name of the connection; never a URL with a password in it.
    pub target: String,
    /// Id of the connector that opened it.
    pub connector: String,
}

/// The settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Colours.
    pub theme: Theme,
    /// Size of everything, 1 = as designed; see [`Settings::zoom`].
    zoom: f32,
    /// How close rows stand.
    pub density: Density,
    /// Whether things move.
    pub motion: Motion,
    /// Ids of the steps of the first-run checklist that are done.
    pub checklist: BTreeSet<String>,
    /// Opened before, newest first; see [`Settings::opened`].
    recent: Vec<Recent>,
    /// Layout of the last window, opaque to all but the window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layout: Option<String>,
    /// What this version does not know.
    #[serde(flatten)]
    unknown: toml::Table,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: Theme::default(),
            zoom: 1.0,
            density: Density::default(),
            motion: Motion::default(),
            checklist: BTreeSet::new(),
            recent: Vec::new(),
            layout: None,
            unknown: toml::Table::new(),
        }
    }
}

impl Settings {
    /// Least and most zoom.
    pub const ZOOM: std::ops::RangeInclusive<f32> = 0.5..=3.0;

    /// How many opened targets are kept.
    pub const RECENT: usize = 20;

    /// Size of everything, within [`Settings::ZOOM`].
    pub fn zoom(&self) -> f32 {
        if self.zoom.is_finite() { self.zoom.clamp(*Self::ZOOM.start(), *Self::ZOOM.end()) } else { 1.0 }
    }

    /// Sets the size of everything.
    pub fn set_zoom(&mut self, zoom: f32) {
        self.zoom = zoom;
        self.zoom = self.zoom();
    }

    /// What was opened before, newest first, at most [`Settings::RECENT`].
    pub fn recent(&self) -> &[Recent] {
        self.recent.get(..Self::RECENT).unwrap_or(&self.recent)
    }

    /// Puts a target first among the recent ones.
    pub fn opened(&mut self, target: impl Into<String>, connector: impl Into<String>) {
        let opened = Recent { target: target.into(), connector: connector.into() };
        self.forget(&opened.target);
        self.recent.insert(0, opened);
        self.recent.truncate(Self::RECENT);
    }

    /// Takes a target from the recent ones.
    pub fn forget(&mut self, target: &str) {
        self.recent.retain(|known| known.target != target);
    }
}

/// The file of settings.
#[derive(Clone, Debug)]
pub struct SettingsFile {
    path: PathBuf,
}

impl SettingsFile {
    /// The settings of a file, which need not be there yet.
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// The settings; with them the error, if the file could not be used and these are the defaults.
    pub async fn load(&self) -> (Settings, Option<Error>) {
        match atomic::read(&self.path).await {
            Ok(bytes) => parse(bytes.as_deref(), &self.path),
            Err(error) => (Settings::default(), Some(error)),
        }
    }

    /// Reads the settings again under their lock, changes and saves them, and gives them back.
    ///
    /// # Errors
    /// If they can't be written.
    pub async fn change(&self, change: impl FnOnce(&mut Settings) + Send + 'static) -> Result<Settings> {
        let path = self.path.clone();
        atomic::edit(&self.path, Keep::Versions, move |bytes| {
            let (mut settings, _) = parse(bytes.as_deref(), &path);
            change(&mut settings);
            let text = toml::to_string(&settings).map_err(|error| {
                Error::new(
                    ErrorKind::Invalid,
                    STAGE,
                    format!("the settings can't be written as TOML: {error}"),
                )
            })?;
            Ok((Change::To(text.into_bytes()), settings))
        })
        .await
    }
}

fn parse(bytes: Option<&[u8]>, path: &Path) -> (Settings, Option<Error>) {
    let Some(bytes) = bytes else { return (Settings::default(), None) };
    let parsed = std::str::from_utf8(bytes)
        .map_err(|error| error.to_string())
        .and_then(|text| toml::from_str(text).map_err(|error| error.message().to_owned()));
    match parsed {
        Ok(settings) => (settings, None),
        Err(why) => {
            let error = Error::new(
                ErrorKind::Decode,
                STAGE,
                format!("the settings can't be understood, so the defaults hold: {why}"),
            )
            .hint("mend the file by hand; the next change of a setting keeps it as settings.toml.1")
            .retry(Retry::AfterChange)
            .with("path", path.display().to_string());
            (Settings::default(), Some(error))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> (tempfile::TempDir, SettingsFile) {
        let folder = tempfile::tempdir().unwrap();
        let settings = SettingsFile::at(folder.path().join("settings.toml"));
        (folder, settings)
    }

    #[tokio::test]
    async fn settings_come_back_as_they_were_saved() {
        let (_folder, file) = file();
        assert_eq!(file.load().await, (Settings::default(), None));
        let saved = file
            .change(|settings| {
                settings.theme = Theme::HighContrast;
                settings.density = Density::Roomy;
                settings.motion = Motion::Reduced;
                settings.set_zoom(1.25);
                settings.checklist.insert("open the demo".into());
                settings.layout = Some("(tiles: \"[a]\")\n'''".into());
                settings.opened("/data/ä \"b\".csv", "csv");
            })
            .await
            .unwrap();
        assert_eq!(file.load().await, (saved, None));
    }

    #[tokio::test]
    async fn recent_targets_are_few_and_the_newest_comes_first() {
        let mut settings = Settings::default();
        for number in 0..30 {
            settings.opened(format!("/{number}"), "csv");
        }
        settings.opened("/25", "csv");
        assert_eq!(settings.recent().len(), Settings::RECENT);
        let first = settings.recent().iter().take(3).map(|recent| recent.target.as_str()).collect::<Vec<_>>();
        assert_eq!(first, ["/25", "/29", "/28"]);
        settings.forget("/29");
        assert_eq!(settings.recent()[1].target, "/28");
    }

    #[tokio::test]
    async fn any_zoom_in_the_file_gives_a_window_that_can_be_used() {
        let (_folder, file) = file();
        for (text, expected) in [
            ("zoom = nan", 1.0),
            ("zoom = inf", 1.0),
            ("zoom = -3", 0.5),
            ("zoom = 99", 3.0),
            ("zoom = 2", 2.0),
        ] {
            std::fs::write(&file.path, text).unwrap();
            let (settings, error) = file.load().await;
            assert_eq!((settings.zoom(), error), (expected, None), "{text}");
        }
    }

    #[tokio::test]
    async fn a_broken_file_is_said_and_kept_and_what_is_not_known_survives() {
        let (_folder, file) = file();
        std::fs::write(&file.path, "theme = \"dark\"\nfrom_later = { a = 1 }\n").unwrap();
        file.change(|settings| settings.theme = Theme::Light).await.unwrap();
        let text = std::fs::read_to_string(&file.path).unwrap();
        assert!(text.contains("from_later") && text.contains("\"light\""), "{text}");

        for broken in [&b"theme = "[..], b"theme = \"plaid\"", b"\xff"] {
            std::fs::write(&file.path, broken).unwrap();
            let (settings, error) = file.load().await;
            assert_eq!(settings, Settings::default());
            assert_eq!(error.unwrap().kind, ErrorKind::Decode);
            file.change(|settings| settings.set_zoom(2.0)).await.unwrap();
            assert_eq!(std::fs::read(&atomic::versions(&file.path)[0]).unwrap(), broken);
        }
    }
}

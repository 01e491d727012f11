//! Chromium and its driver: only found here; the test that needs them starts them.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::{CHROMEDRIVER, CHROMIUM};
use crate::shell::{ask, on_path, variable};

/// Chromium before Chrome: where the package manager brought the driver, it brought that one too.
const BROWSERS: [&str; 5] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

pub fn chromium() -> Result<PathBuf> {
    find(CHROMIUM, &BROWSERS).context(
        "The tests of the pages need a browser, and no Chromium or Chrome was found. \
         Install `chromium`, or set `TEST_CHROMIUM` to its path.",
    )
}

pub fn chromedriver() -> Result<PathBuf> {
    find(CHROMEDRIVER, &["chromedriver"]).context(
        "The tests of the pages need `chromedriver`, and it was not found. Install \
         `chromium-driver` (Debian) or `chromedriver` (Homebrew), or set `TEST_CHROMEDRIVER`.",
    )
}

/// The first that runs: Ubuntu has a `chromium` that only says it is elsewhere.
fn find(variable_name: &str, names: &[&str]) -> Option<PathBuf> {
    let candidates = match variable(variable_name) {
        Some(path) => vec![PathBuf::from(path)],
        None => names.iter().filter_map(|name| on_path(name)).collect(),
    };
    candidates.into_iter().find(|path| ask(Command::new(path).arg("--version")).is_some())
}

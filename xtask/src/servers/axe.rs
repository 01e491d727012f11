//! axe-core, which knows what makes a page hard to use without eyes or without a mouse: fetched by `npm`, once.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::AXE;
use crate::shell::{on_path, root, run, variable};

const VERSION: &str = "4.11.0";

/// Whether nothing but `npm` is missing.
pub fn needs_npm() -> bool {
    variable(AXE).is_none() && !kept().exists() && on_path("npm").is_none()
}

/// The script that a page is examined by.
pub fn script() -> Result<PathBuf> {
    if let Some(path) = variable(AXE) {
        return Ok(path.into());
    }
    let script = kept();
    if script.exists() {
        return Ok(script);
    }
    let folder = tempfile::tempdir()?;
    let package = format!("axe-core@{VERSION}");
    run(Command::new("npm")
        .args(["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", &package])
        .arg("--prefix")
        .arg(folder.path()))
    .context("The tests of the pages need axe-core. Set `TEST_AXE` to its `axe.min.js`, where npm cannot fetch it")?;
    let fetched = folder.path().join("node_modules/axe-core/axe.min.js");
    ensure!(fetched.exists(), "npm did not install `axe.min.js` of {package}");
    if let Some(parent) = script.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::copy(fetched, &script)?;
    Ok(script)
}

fn kept() -> PathBuf {
    root().join(format!("target/axe-core-{VERSION}.js"))
}

//! Which settings a command runs under.

use std::path::{Path, PathBuf};

use clap::Args;
use tollhouse_server::Settings;

/// The file taken where none is named.
const DEFAULT_PATH: &str = "tollhouse.toml";

#[derive(Args)]
pub struct SettingsArgs {
    /// Settings file; `tollhouse.toml` where that exists
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl SettingsArgs {
    /// Defaults, then the file, then the environment.
    pub fn load(&self) -> anyhow::Result<Settings> {
        let default = Path::new(DEFAULT_PATH);
        let file = self.config.as_deref().or_else(|| default.exists().then_some(default));
        Settings::load(file)
    }
}

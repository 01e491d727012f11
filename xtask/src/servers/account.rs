//! The account servers run under: Postgres refuses to run as root.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::shell::ask;

#[derive(Clone, Copy)]
pub struct Account {
    user: u32,
    group: u32,
}

impl Account {
    /// `nobody`, if we are root; nothing if we already run as somebody.
    pub fn unprivileged() -> Result<Option<Self>> {
        if id(&["-u"])? != 0 {
            return Ok(None);
        }
        Ok(Some(Self { user: id(&["-u", "nobody"])?, group: id(&["-g", "nobody"])? }))
    }
}

/// A command that runs as the account (std also drops root's supplementary groups).
pub fn command(program: &Path, account: Option<Account>) -> Command {
    let mut command = Command::new(program);
    if let Some(Account { user, group }) = account {
        command.uid(user).gid(group);
    }
    // Some folder that every account may enter: Postgres looks around where it starts.
    command.current_dir("/");
    command
}

/// A new folder that belongs to the account.
pub fn create_folder(path: &Path, account: Option<Account>) -> Result<()> {
    fs::create_dir(path)?;
    if let Some(Account { user, group }) = account {
        chown(path, Some(user), Some(group))?;
    }
    Ok(())
}

fn id(arguments: &[&str]) -> Result<u32> {
    ask(Command::new("id").args(arguments)).and_then(|answer| answer.parse().ok()).with_context(
        || format!("`id {}` gave no number: servers need an account", arguments.join(" ")),
    )
}

//! Real Postgres, Redis and Chromium for the tests: found, installed or refused; never skipped.

mod account;
mod apt;
mod axe;
mod browser;
mod docker;
mod keeper;
mod postgres;
mod ready;
mod redis;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::shell::{self, variable};
use account::Account;
use keeper::Keeper;

const DATABASE_URL: &str = "TEST_DATABASE_URL";
const REDIS_URL: &str = "TEST_REDIS_URL";
const CHROMIUM: &str = "TEST_CHROMIUM";
const CHROMEDRIVER: &str = "TEST_CHROMEDRIVER";
const AXE: &str = "TEST_AXE";

/// What the servers are for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// As fast as they can be: data in memory, nothing survives a crash. With a browser.
    Tests,
    /// As a careful installation runs them: data on disk, every commit written through.
    Bench,
}

/// Servers that are up. They stop, and their data goes, when this is dropped or this process dies.
pub struct Servers {
    variables: Vec<(&'static str, OsString)>,
    _keeper: Keeper,
}

impl Servers {
    /// Uses what the environment names; starts the rest on free ports of 127.0.0.1.
    pub fn start(purpose: Purpose) -> Result<Self> {
        let account = Account::unprivileged()?;
        install_missing(purpose, account)?;
        let mut keeper = Keeper::start(&data_folder(purpose))?;
        let database = match variable(DATABASE_URL) {
            Some(url) => url,
            None => postgres::start(&mut keeper, purpose, account)?,
        };
        let redis = match variable(REDIS_URL) {
            Some(url) => url,
            None => redis::start(&mut keeper, account)?,
        };
        let mut variables = vec![(DATABASE_URL, database.into()), (REDIS_URL, redis.into())];
        if purpose == Purpose::Tests {
            variables.push((CHROMIUM, browser::chromium()?.into()));
            variables.push((CHROMEDRIVER, browser::chromedriver()?.into()));
            variables.push((AXE, axe::script()?.into()));
        }
        Ok(Self { variables, _keeper: keeper })
    }

    /// Runs a command that finds the servers by its environment.
    pub fn run(&self, command: &mut Command) -> Result<()> {
        shell::run(command.envs(self.variables.iter().map(|(name, value)| (name, value))))
    }
}

/// All that is missing in one go: each call of the package manager takes seconds.
fn install_missing(purpose: Purpose, account: Option<Account>) -> Result<()> {
    let mut packages = Vec::new();
    if variable(DATABASE_URL).is_none() && postgres::find(account).is_none() {
        packages.push("postgresql");
    }
    if variable(REDIS_URL).is_none() && redis::find().is_none() {
        packages.push("redis-server");
    }
    if purpose == Purpose::Tests {
        if browser::chromium().is_err() {
            packages.push("chromium");
        }
        if browser::chromedriver().is_err() {
            packages.push("chromium-driver");
        }
        if axe::needs_npm() {
            packages.push("npm");
        }
    }
    if packages.is_empty() { Ok(()) } else { apt::install(&packages) }
}

/// Memory for tests, if there is enough; for benchmarks a disk, which `/tmp` often is not.
fn data_folder(purpose: Purpose) -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    let disk = PathBuf::from("/var/tmp");
    match purpose {
        Purpose::Tests if free_kib(&memory).is_some_and(|free| free > 1024 * 1024) => memory,
        Purpose::Bench if disk.is_dir() => disk,
        _ => std::env::temp_dir(),
    }
}

fn free_kib(folder: &std::path::Path) -> Option<u64> {
    available_column(&shell::ask(Command::new("df").arg("-Pk").arg(folder))?)
}

/// The fourth column of the second line, as POSIX has it.
fn available_column(df: &str) -> Option<u64> {
    df.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_free_space_from_df() {
        let df = "Filesystem 1024-blocks Used Available Capacity Mounted on\n\
                  tmpfs         24667548   12  24667536       1% /dev/shm";
        assert_eq!(available_column(df), Some(24_667_536));
        assert_eq!(available_column("df: /dev/shm: No such file or directory"), None);
    }
}

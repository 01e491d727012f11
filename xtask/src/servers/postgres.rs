//! A Postgres of our own: a new cluster in a temporary folder, gone afterwards.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::Purpose;
use super::account::{self, Account};
use super::docker::{self, Container};
use super::keeper::Keeper;
use super::ready::{Greeting, free_port};
use crate::shell::{ask, on_path, run, variable};

const LOG: &str = "postgres.log";

/// Tests hold many pools open at once.
const SETTINGS: [&str; 2] = ["-c", "max_connections=300"];

/// Half the time of a test would go into writing what nobody will read again.
const CARELESS: [&str; 6] =
    ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"];

/// Sorting by bytes, whatever the language of this machine: both databases sort alike.
const ENCODING: [&str; 2] = ["--encoding=UTF8", "--locale=C"];

/// Starts one and gives its URL.
pub fn start(keeper: &mut Keeper, purpose: Purpose, account: Option<Account>) -> Result<String> {
    let port = if let Some(programs) = find(account) {
        start_here(keeper, purpose, account, &programs)?
    } else if docker::available() {
        start_container(keeper, purpose)?
    } else {
        bail!(
            "The tests need Postgres, and no `initdb` and `postgres` were found, nor a Docker \
             that runs. Install Postgres (`apt-get install postgresql`, `brew install postgresql`), \
             or set `TEST_POSTGRES_BIN` to the folder of its programs, or `TEST_DATABASE_URL` to a \
             server where tests may create databases."
        )
    };
    Ok(format!("postgres://postgres@127.0.0.1:{port}/postgres"))
}

/// The folder with Postgres' programs. Debian and Homebrew keep them off `PATH`.
pub fn find(account: Option<Account>) -> Option<PathBuf> {
    let works = |folder: &PathBuf| {
        ["initdb", "postgres"].iter().all(|program| {
            ask(account::command(&folder.join(program), account).arg("--version")).is_some()
        })
    };
    if let Some(folder) = variable("TEST_POSTGRES_BIN") {
        return Some(PathBuf::from(folder)).filter(works);
    }
    let path = on_path("initdb").and_then(|initdb| Some(initdb.parent()?.to_owned()));
    let versions = ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"]
        .into_iter()
        .flat_map(|top| {
            let entries = fs::read_dir(top).into_iter().flatten().flatten();
            newest_first(entries.map(|entry| entry.path()).collect())
        });
    path.into_iter().chain(versions.map(|version| version.join("bin"))).find(works)
}

/// `15` and `9.6` for Debian, `postgresql@15` for Homebrew, whose other folders are left out.
fn newest_first(folders: Vec<PathBuf>) -> Vec<PathBuf> {
    let version = |folder: &Path| {
        let name = folder.file_name()?.to_str()?;
        let number = name.strip_prefix("postgresql@").unwrap_or(name);
        number.split('.').next()?.parse::<u32>().ok()
    };
    let mut known: Vec<(u32, PathBuf)> =
        folders.into_iter().filter_map(|folder| Some((version(&folder)?, folder))).collect();
    known.sort();
    known.into_iter().rev().map(|(_, folder)| folder).collect()
}

fn start_here(
    keeper: &mut Keeper,
    purpose: Purpose,
    account: Option<Account>,
    programs: &Path,
) -> Result<u16> {
    let data = keeper.folder().join("postgres");
    account::create_folder(&data, account)?;
    run(account::command(&programs.join("initdb"), account)
        .args(["--username=postgres", "--auth=trust", "--no-sync", "--no-instructions"])
        .args(ENCODING)
        .arg("--pgdata")
        .arg(&data)
        .stdout(std::process::Stdio::null()))?;

    let port = free_port()?;
    let mut postgres = account::command(&programs.join("postgres"), account);
    postgres.arg("-D").arg(&data).args(settings(purpose)).args(["-p", &port.to_string()]);
    // No socket file: its path would have to be short, and the URL could not name it simply.
    postgres.args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]);
    // SIGQUIT is Postgres' «immediate»: it leaves without saving what is thrown away anyhow.
    let log = keeper.folder().join(LOG);
    let server = keeper.spawn(&mut postgres, LOG, "QUIT")?;
    greeting(&startup_message()).wait_for(server, port, &log).context("Postgres did not start")?;
    Ok(port)
}

fn start_container(keeper: &mut Keeper, purpose: Purpose) -> Result<u16> {
    let encoding = format!("POSTGRES_INITDB_ARGS={}", ENCODING.join(" "));
    let mut options = vec!["--env", "POSTGRES_HOST_AUTH_METHOD=trust", "--env", encoding.as_str()];
    if purpose == Purpose::Tests {
        options.extend(["--tmpfs", "/var/lib/postgresql/data"]);
    }
    let port = Container {
        image: "postgres:17-alpine",
        port: 5432,
        options: &options,
        arguments: &settings(purpose),
    }
    .start(keeper)?;
    greeting(&startup_message()).wait_for_port(port)?;
    Ok(port)
}

fn settings(purpose: Purpose) -> Vec<&'static str> {
    match purpose {
        Purpose::Tests => [&SETTINGS[..], &CARELESS].concat(),
        Purpose::Bench => SETTINGS.to_vec(),
    }
}

/// Answered by `R` (authentication) when ready, by `E` (error) while starting up.
fn greeting(startup: &[u8]) -> Greeting<'_> {
    Greeting { send: startup, expect: b"R" }
}

/// The first message of Postgres' protocol 3.0: its length, the version, who, and where.
fn startup_message() -> Vec<u8> {
    let body = b"\0\x03\0\0user\0postgres\0database\0postgres\0\0";
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_comes_first_and_other_folders_not_at_all() {
        let folders = ["9.6", "15", "17", "redis", "postgresql@16"];
        let found = newest_first(folders.iter().map(PathBuf::from).collect());
        let expected = ["17", "postgresql@16", "15", "9.6"];
        assert_eq!(found, expected.iter().map(PathBuf::from).collect::<Vec<_>>());
    }

    #[test]
    fn only_tests_may_lose_a_commit() {
        assert!(settings(Purpose::Tests).contains(&"fsync=off"));
        assert!(!settings(Purpose::Bench).iter().any(|setting| setting.ends_with("=off")));
    }

    #[test]
    fn the_startup_message_counts_its_own_length() {
        let message = startup_message();
        assert_eq!(u32::from_be_bytes(message[..4].try_into().unwrap()) as usize, message.len());
    }
}

//! A Redis of our own, which keeps nothing.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::account::{self, Account};
use super::docker::{self, Container};
use super::keeper::Keeper;
use super::ready::{Greeting, free_port};
use crate::shell::on_path;

const LOG: &str = "redis.log";

const KEEP_NOTHING: [&str; 4] = ["--save", "", "--appendonly", "no"];

const GREETING: Greeting<'static> = Greeting { send: b"PING\r\n", expect: b"+PONG" };

/// Starts one and gives its URL.
pub fn start(keeper: &mut Keeper, account: Option<Account>) -> Result<String> {
    let port = if let Some(program) = find() {
        start_here(keeper, account, &program)?
    } else if docker::available() {
        start_container(keeper)?
    } else {
        bail!(
            "The tests need Redis, and no `redis-server` was found, nor a Docker that runs. \
             Install Redis (`apt-get install redis-server`, `brew install redis`), or set \
             `TEST_REDIS_URL` to a server that tests may write to."
        )
    };
    Ok(format!("redis://127.0.0.1:{port}"))
}

pub fn find() -> Option<PathBuf> {
    on_path("redis-server")
}

fn start_here(keeper: &mut Keeper, account: Option<Account>, program: &Path) -> Result<u16> {
    let data = keeper.folder().join("redis");
    account::create_folder(&data, account)?;
    let port = free_port()?;
    let mut redis = account::command(program, account);
    redis.args(["--bind", "127.0.0.1", "--port", &port.to_string()]).args(KEEP_NOTHING);
    redis.arg("--dir").arg(&data);
    let log = keeper.folder().join(LOG);
    let server = keeper.spawn(&mut redis, LOG, "TERM")?;
    GREETING.wait_for(server, port, &log).context("Redis did not start")?;
    Ok(port)
}

fn start_container(keeper: &mut Keeper) -> Result<u16> {
    let arguments = &KEEP_NOTHING;
    let container = Container { image: "redis:7-alpine", port: 6379, options: &[], arguments };
    let port = container.start(keeper)?;
    GREETING.wait_for_port(port)?;
    Ok(port)
}

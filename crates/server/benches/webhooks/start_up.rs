//! How soon the release binary is ready, and how much memory it keeps while nothing happens.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
};

use crate::{database::folder_on_disk, generator::now};

const STARTS: usize = 5;
/// Long enough for every background task to have come round once.
const IDLE: Duration = Duration::from_secs(3);
const GIVEN_UP_AFTER: Duration = Duration::from_secs(30);
/// What cargo tells this benchmark about its own package. `ring`'s build script watches these: inherited,
/// they would have it and all that depends on it built anew.
const OWN_PACKAGE: [&str; 6] = [
    "CARGO_MANIFEST_DIR",
    "CARGO_PKG_NAME",
    "CARGO_PKG_VERSION_MAJOR",
    "CARGO_PKG_VERSION_MINOR",
    "CARGO_PKG_VERSION_PATCH",
    "CARGO_PKG_VERSION_PRE",
];

pub struct StartUp {
    /// From starting the process to the first 200 of `/health/ready`, on an empty database: the median.
    pub ready: Duration,
    pub ready_max: Duration,
    /// Resident memory of the last process when it had idled.
    pub idle_kib: u64,
}

pub async fn measure() -> anyhow::Result<StartUp> {
    let binary = build().await?;
    let mut times = Vec::new();
    let mut idle_kib = 0;
    for start in 1..=STARTS {
        let folder = folder_on_disk()?;
        let address = free_address().await?;
        let began = now();
        let mut process = start_service(&binary, folder.path(), address)?;
        tokio::time::timeout(GIVEN_UP_AFTER, until_ready(&mut process, address))
            .await
            .context("`tollhouse serve` was not ready after half a minute")??;
        times.push(began.elapsed());
        if start == STARTS {
            pause(IDLE).await;
            let id = process.id().context("`tollhouse serve` ended while it idled")?;
            idle_kib = resident_kib(id)?;
        }
        process.kill().await?;
    }
    times.sort_unstable();
    Ok(StartUp { ready: times[STARTS / 2], ready_max: times[STARTS - 1], idle_kib })
}

/// The binary as it is released, beside this benchmark's own.
async fn build() -> anyhow::Result<PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--release", "--package", "tollhouse"]);
    for name in OWN_PACKAGE {
        cargo.env_remove(name);
    }
    let built = cargo.status().await?;
    ensure!(built.success(), "`cargo build --release --package tollhouse` failed: see above");
    let benchmark = std::env::current_exe()?;
    let release = benchmark.ancestors().nth(2).context("the benchmark has no target folder")?;
    Ok(release.join("tollhouse"))
}

/// With these settings and no others, in a folder without a settings file.
fn start_service(binary: &Path, folder: &Path, address: SocketAddr) -> anyhow::Result<Child> {
    Command::new(binary)
        .arg("serve")
        .current_dir(folder)
        .env_clear()
        .env("DATABASE_URL", "sqlite:bench.sqlite")
        .env("TOLLHOUSE_LISTEN", address.to_string())
        .env("TOLLHOUSE_LOG", "error")
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("`{}` could not be started", binary.display()))
}

/// Asks again and again, so that the time is not rounded up to a pause.
async fn until_ready(process: &mut Child, address: SocketAddr) -> anyhow::Result<()> {
    while !is_ready(address).await.unwrap_or(false) {
        if let Some(status) = process.try_wait()? {
            anyhow::bail!("`tollhouse serve` ended at once ({status}): see above");
        }
        tokio::task::yield_now().await;
    }
    Ok(())
}

async fn is_ready(address: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /health/ready HTTP/1.1\r\nhost: localhost\r\n\r\n").await?;
    let mut begun = [0; 12];
    stream.read_exact(&mut begun).await?;
    Ok(begun == *b"HTTP/1.1 200")
}

async fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0").await?.local_addr()
}

/// Of a process that runs.
pub fn resident_kib(id: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))
        .context("resident memory is read from `/proc`, which only Linux has")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.context("`/proc` does not say how much memory is resident")?.parse()?)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark lets time pass")]
pub async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

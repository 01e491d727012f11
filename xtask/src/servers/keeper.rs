//! Whatever ends this process, nothing it started stays behind.
//!
//! A small shell waits for its input to close. That happens when the keeper is dropped, and also
//! when this process is interrupted or killed, where no destructor runs. Then it stops the servers
//! and removes their folder: one path for every ending.

use std::fs::{File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, Result};

/// Removing is repeated, because a server may still be closing its files.
const SCRIPT: &str = r#"
trap '' HUP INT QUIT TERM
orders=:
while read -r order; do orders="$orders; $order"; done
eval "$orders"
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    rm -rf "$1" && exit
    sleep 0.1
done
"#;

pub struct Keeper {
    shell: Child,
    orders: Option<ChildStdin>,
    folder: PathBuf,
    servers: Vec<Child>,
}

impl Keeper {
    /// Makes a folder in `parent` that goes with the keeper.
    pub fn start(parent: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("tollhouse-test-")
            // Servers run as another account than root: they must be able to pass through.
            .permissions(Permissions::from_mode(0o755))
            .tempdir_in(parent)
            .with_context(|| format!("no folder could be made in `{}`", parent.display()))?
            .keep();
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT, "keeper"])
            .arg(&folder)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0) // out of reach of Ctrl-C
            .spawn()
            .context("`sh` could not be started")?;
        let orders = shell.stdin.take();
        Ok(Self { shell, orders, folder, servers: Vec::new() })
    }

    /// Where servers keep their data.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// One line of shell to run when all is over.
    pub fn at_the_end(&mut self, order: &str) -> Result<()> {
        let orders = self.orders.as_mut().context("the keeper takes no more orders")?;
        writeln!(orders, "{order}").context("the keeper is gone")
    }

    /// Starts a server that writes its log to the folder and ends by this signal.
    pub fn spawn(&mut self, command: &mut Command, log: &str, signal: &str) -> Result<&mut Child> {
        let log = File::create(self.folder.join(log))?;
        let server = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0) // Ctrl-C ends the tests first; their servers go after them
            .spawn()
            .with_context(|| {
                format!("`{}` could not be started", command.get_program().display())
            })?;
        self.at_the_end(&format!("kill -{signal} {}", server.id()))?;
        self.servers.push(server);
        self.servers.last_mut().context("the server was just put there")
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.orders.take());
        for process in std::iter::once(&mut self.shell).chain(&mut self.servers) {
            // Nothing is left to do for us if this fails.
            let _ = process.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_what_was_started_and_removes_the_folder() {
        let parent = tempfile::tempdir().unwrap();
        let mut keeper = Keeper::start(parent.path()).unwrap();
        let folder = keeper.folder().to_owned();
        let mut command = Command::new("sleep");
        let server = keeper.spawn(command.arg("1000"), "sleep.log", "TERM").unwrap();
        assert_eq!(server.try_wait().unwrap(), None, "it runs until the keeper goes");
        let server = server.id().to_string();
        assert!(folder.join("sleep.log").exists());

        drop(keeper);

        assert!(!folder.exists());
        let alive = Command::new("kill").args(["-0", &server]).output().unwrap().status.success();
        assert!(!alive);
    }

    #[test]
    fn runs_its_orders_even_when_one_of_them_fails() {
        let parent = tempfile::tempdir().unwrap();
        let mut keeper = Keeper::start(parent.path()).unwrap();
        let witness = parent.path().join("witness");
        keeper.at_the_end("kill -TERM 999999999").unwrap();
        keeper.at_the_end(&format!("touch '{}'", witness.display())).unwrap();

        drop(keeper);

        assert!(witness.exists());
    }
}

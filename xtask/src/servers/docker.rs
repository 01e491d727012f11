//! A server in a container, where nothing is installed but Docker.

use std::process::Command;

use anyhow::{Context, Result};

use super::keeper::Keeper;
use crate::shell::{ask, say};

/// One container to run.
pub struct Container<'a> {
    pub image: &'a str,
    /// The port the server listens on inside.
    pub port: u16,
    /// For `docker run`: variables, memory file systems.
    pub options: &'a [&'a str],
    /// For the server itself.
    pub arguments: &'a [&'a str],
}

/// Whether there is a Docker that answers.
pub fn available() -> bool {
    ask(Command::new("docker").arg("info")).is_some()
}

impl Container<'_> {
    /// Starts it and gives its port on 127.0.0.1.
    pub fn start(&self, keeper: &mut Keeper) -> Result<u16> {
        let mut run = self.command();
        say(&format!("starting a container of `{}`", self.image));
        let id = ask(&mut run)
            .with_context(|| format!("Docker could not start `{}`. Try {run:?}.", self.image))?;
        keeper.at_the_end(&format!("docker rm -f {id}"))?;
        let inside = self.port.to_string();
        ask(Command::new("docker").args(["port", &id, &inside]))
            .and_then(|answer| published_port(&answer))
            .with_context(|| format!("Docker does not say where `{}` listens", self.image))
    }

    fn command(&self) -> Command {
        let mut run = Command::new("docker");
        run.args(["run", "--detach", "--rm", "--publish", &format!("127.0.0.1::{}", self.port)]);
        run.args(self.options).arg(self.image).args(self.arguments);
        run
    }
}

/// `127.0.0.1:49153` → 49153
fn published_port(answer: &str) -> Option<u16> {
    answer.lines().next()?.rsplit(':').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn publishes_on_this_machine_only() {
        let container = Container {
            image: "redis:7-alpine",
            port: 6379,
            options: &["--tmpfs", "/data"],
            arguments: &["--save", ""],
        };
        assert_eq!(
            format!("{:?}", container.command()).replace('"', ""),
            "docker run --detach --rm --publish 127.0.0.1::6379 --tmpfs /data redis:7-alpine --save "
        );
    }

    #[test]
    fn reads_the_port_docker_chose() {
        assert_eq!(published_port("127.0.0.1:49153"), Some(49153));
        assert_eq!(published_port("127.0.0.1:49153\n[::1]:49154"), Some(49153));
        assert_eq!(published_port(""), None);
    }
}

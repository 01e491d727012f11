//! Free ports, and waiting until a server answers on one.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Child;
use std::time::Duration;

use anyhow::{Result, bail};

const PAUSE: Duration = Duration::from_millis(20);
const ATTEMPTS_MAX: u32 = 1500;

/// What to send to a server, and how its answer begins once it is ready. A port that accepts
/// connections is not enough: Docker's does before the server inside is there.
pub struct Greeting<'a> {
    pub send: &'a [u8],
    pub expect: &'a [u8],
}

/// A port of 127.0.0.1 that nobody listens on.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

impl Greeting<'_> {
    /// Waits for a server of our own, and shows its log if it gives up.
    pub fn wait_for(&self, server: &mut Child, port: u16, log: &Path) -> Result<()> {
        for _ in 0..ATTEMPTS_MAX {
            if self.is_answered(port).unwrap_or(false) {
                return Ok(());
            }
            if let Some(status) = server.try_wait()? {
                bail!("the server stopped at once ({status}). Its log says:\n{}", tail(log));
            }
            pause();
        }
        bail!("the server did not answer within half a minute. Its log says:\n{}", tail(log))
    }

    /// Waits for a server in a container, whose end we would not see.
    pub fn wait_for_port(&self, port: u16) -> Result<()> {
        for _ in 0..ATTEMPTS_MAX {
            if self.is_answered(port).unwrap_or(false) {
                return Ok(());
            }
            pause();
        }
        bail!("the container did not answer within half a minute: look at `docker ps -a`")
    }

    fn is_answered(&self, port: u16) -> Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(self.send)?;
        let mut answer = vec![0; self.expect.len()];
        stream.read_exact(&mut answer)?;
        Ok(answer == self.expect)
    }
}

#[expect(clippy::disallowed_methods, reason = "a server that starts cannot tell us when it is up")]
fn pause() {
    std::thread::sleep(PAUSE);
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::thread;

    use super::*;

    const PING: Greeting = Greeting { send: b"PING\r\n", expect: b"+PONG" };

    /// A server that gives these answers, one per connection.
    fn server(answers: &'static [&'static [u8]]) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                stream.read_exact(&mut [0; 6]).unwrap();
                stream.write_all(answer).unwrap();
            }
        });
        port
    }

    #[test]
    fn an_open_port_is_ready_only_once_the_right_answer_comes() {
        let port = server(&[b"-LOADING", b"", b"+PONG\r\n"]);
        assert!(!PING.is_answered(port).unwrap());
        assert!(PING.is_answered(port).is_err());
        assert!(PING.is_answered(port).unwrap());
    }

    #[test]
    fn a_server_that_stops_at_once_is_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        fs::write(&log, "FATAL: no room\n").unwrap();
        let mut server = Command::new("false").spawn().unwrap();
        let port = free_port().unwrap();
        let error = PING.wait_for(&mut server, port, &log).unwrap_err().to_string();
        assert!(error.contains("FATAL: no room"), "{error}");
    }

    #[test]
    fn a_long_log_is_cut_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        fs::write(&log, (1..=30).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\n"))
            .unwrap();
        assert!(tail(&log).starts_with("line 11\n") && tail(&log).ends_with("line 30"));
        assert_eq!(tail(Path::new("/no/such/log")), "");
    }
}

//! The program through which a test drives the browser.

use std::process::Stdio;

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use super::{PATIENCE, variable};

/// `chromedriver` on a free port. It is killed with its browser when this is dropped, also by a panic.
pub struct Driver {
    pub url: String,
    child: Child,
}

impl Driver {
    pub async fn start() -> Self {
        let mut child = Command::new(variable("TEST_CHROMEDRIVER"))
            .arg("--port=0")
            .stdout(Stdio::piped())
            .process_group(0) // the browser is in it too, and ends with it
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = async {
            loop {
                let line = lines.next_line().await.unwrap().expect("chromedriver runs");
                if let Some((_, port)) = line.split_once("successfully on port ") {
                    return port.trim_end_matches('.').to_owned();
                }
            }
        };
        let port = timeout(PATIENCE, port).await.expect("chromedriver starts in time");
        Self { url: format!("http://127.0.0.1:{port}"), child }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id().unwrap());
        let _ = std::process::Command::new("kill").args(["-KILL", "--", &group]).status();
    }
}

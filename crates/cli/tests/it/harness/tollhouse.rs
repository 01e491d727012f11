//! The binary under test: run to its end, or kept running.

use std::{
    process::{Output, Stdio},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdout, Command},
    time::timeout,
};

use super::PATIENCE;

/// Less than the service waits for requests that do not end: stopping must not come to that.
const STOP_PATIENCE: Duration = Duration::from_secs(8);

/// The binary in an empty folder, knowing nothing of the environment of whoever runs the tests.
pub struct Tollhouse {
    folder: TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Tollhouse {
    pub fn new() -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        std::fs::create_dir(folder.path().join("tmp")).unwrap();
        Self { folder, variables: Vec::new() }
    }

    /// With a variable in its environment.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    /// With a file where it runs.
    pub fn with_file(self, name: &str, text: &str) -> Self {
        std::fs::write(self.folder.path().join(name), text).unwrap();
        self
    }

    /// Runs a command to its end.
    pub async fn run(&self, words: &[&str]) -> Ended {
        let ended = timeout(PATIENCE, self.command(words).output()).await;
        Ended(ended.unwrap_or_else(|_| panic!("{words:?} does not end")).unwrap())
    }

    /// Runs a command to its end while nobody reads what it prints.
    pub async fn run_unread(&self, words: &[&str]) -> Ended {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = self.command(words).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        Ended(timeout(PATIENCE, child.wait_with_output()).await.expect("it ends").unwrap())
    }

    /// Starts a command that runs until it is told to stop.
    pub fn start(self, words: &[&str]) -> Running {
        let mut command = self.command(words);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        Running { child, output, log, tollhouse: self }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tollhouse"));
        command.args(words).current_dir(self.folder.path()).kill_on_drop(true);
        command.env_clear().env("TMPDIR", self.folder.path().join("tmp"));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null());
        command
    }

    /// What lies in the folder for what is thrown away.
    fn temporary_files(&self) -> impl Iterator<Item = String> {
        let entries = std::fs::read_dir(self.folder.path().join("tmp")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap())
    }
}

/// How a command ended, and what it said.
pub struct Ended(Output);

impl Ended {
    /// What it printed, where all went well.
    #[track_caller]
    pub fn succeeded(self) -> String {
        assert!(self.0.status.success(), "{:?}", self.0);
        String::from_utf8(self.0.stdout).unwrap()
    }

    /// What it printed, where it ended with this code.
    #[track_caller]
    pub fn printed(self, code: i32) -> String {
        assert_eq!(self.0.status.code(), Some(code), "{:?}", self.0);
        String::from_utf8(self.0.stdout).unwrap()
    }

    /// What it complained about, where it ended with this code and printed nothing.
    #[track_caller]
    pub fn refused(self, code: i32) -> String {
        assert_eq!(self.0.status.code(), Some(code), "{:?}", self.0);
        assert!(self.0.stdout.is_empty(), "{:?}", self.0);
        String::from_utf8(self.0.stderr).unwrap()
    }
}

/// A command that runs; killed when this is dropped.
pub struct Running {
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
    log: Lines<BufReader<ChildStderr>>,
    tollhouse: Tollhouse,
}

impl Running {
    /// The next line it prints.
    pub async fn line(&mut self) -> String {
        let line = timeout(PATIENCE, self.output.next_line()).await.expect("a line in time");
        match line.unwrap() {
            Some(line) => line,
            None => panic!("it ended: {}", self.log_line().await),
        }
    }

    /// The next line of its log.
    pub async fn log_line(&mut self) -> String {
        let line = timeout(PATIENCE, self.log.next_line()).await.expect("a log line in time");
        line.unwrap().expect("it ended and logged nothing")
    }

    /// What the log's line says that tells where it listens; the log is JSON.
    pub async fn ready(&mut self) -> Value {
        loop {
            let mut line: Value = serde_json::from_str(&self.log_line().await).unwrap();
            if line["fields"]["message"] == "ready" {
                return line["fields"].take();
            }
        }
    }

    /// Tells it to stop as a supervisor does, and sees that it goes well and leaves nothing behind.
    /// The rest of its log.
    pub async fn stop(mut self) -> Vec<String> {
        self.signal("-TERM").await;
        let status = timeout(STOP_PATIENCE, self.child.wait()).await.expect("it stops in time");
        let mut log = Vec::new();
        while let Some(line) = self.log.next_line().await.unwrap() {
            log.push(line);
        }
        assert!(status.unwrap().success(), "{log:?}");
        let left: Vec<_> = self.tollhouse.temporary_files().collect();
        assert!(left.is_empty(), "left behind: {left:?}");
        log
    }

    /// Lets it stand still, as a machine does that is out of memory, or moved to another host.
    pub async fn freeze(&self) {
        self.signal("-STOP").await;
    }

    /// Lets it go on as if nothing had been.
    pub async fn wake(&self) {
        self.signal("-CONT").await;
    }

    async fn signal(&self, signal: &str) {
        let id = self.child.id().unwrap().to_string();
        let told = Command::new("kill").args([signal, &id]).status().await.unwrap();
        assert!(told.success());
    }

    /// Ends it without a word, as when the power goes; it can be started again.
    pub async fn kill(mut self) -> Tollhouse {
        self.child.kill().await.unwrap();
        self.tollhouse
    }

    /// What lies in its temporary folder.
    pub fn temporary_files(&self) -> impl Iterator<Item = String> {
        self.tollhouse.temporary_files()
    }
}

//! The binary under test: run to its end, or kept running.

use std::{
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader, Lines},
    process::{Child, Command},
    time::timeout,
};

use super::PATIENCE;

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

    /// Starts a command that runs until it is told to stop.
    pub fn start(self, words: &[&str]) -> Running {
        let mut command = self.command(words);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = lines(child.stdout.take().unwrap());
        let log = lines(child.stderr.take().unwrap());
        Running { child, output, log, tollhouse: self }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tollhouse"));
        command.args(words).current_dir(self.folder.path()).kill_on_drop(true);
        command.env_clear().env("TMPDIR", self.temporary_folder());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null());
        command
    }

    /// Where the binary finds room for what it throws away.
    fn temporary_folder(&self) -> PathBuf {
        self.folder.path().join("tmp")
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
    output: Lines<BufReader<Box<dyn AsyncRead + Unpin + Send>>>,
    log: Lines<BufReader<Box<dyn AsyncRead + Unpin + Send>>>,
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

    /// Tells it to stop as a supervisor does, and sees that it goes well and leaves nothing behind.
    pub async fn stop(mut self) {
        let id = self.child.id().unwrap().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status().await.unwrap();
        assert!(told.success());
        let status = timeout(PATIENCE, self.child.wait()).await.expect("it stops in time").unwrap();
        assert!(status.success(), "{status}");
        assert_eq!(names_in(&self.tollhouse.temporary_folder()), [""; 0], "left behind");
    }

    /// What lies in its temporary folder.
    pub fn temporary_files(&self) -> Vec<String> {
        names_in(&self.tollhouse.temporary_folder())
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

//! Running other programs, and the one door to the terminal and to the environment.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Says a line to the person at the terminal. It goes to stderr, so that stdout stays the output
/// of the command that runs.
pub fn say(line: &str) {
    // A closed terminal is no reason to leave servers running.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The value of an environment variable; an empty one counts as not set.
#[expect(clippy::disallowed_methods, reason = "the one door to the environment in this tool")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The top folder of the repository.
pub fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// `cargo` with these arguments, in the top folder.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments).current_dir(root());
    forget_this_package(&mut command);
    command
}

/// What Cargo tells this tool about its own package. Build scripts watch these variables: handed down to
/// another Cargo, they would make it build half of the dependencies again.
pub fn forget_this_package(command: &mut Command) {
    for name in [
        "MANIFEST_DIR",
        "PKG_NAME",
        "PKG_VERSION",
        "PKG_VERSION_MAJOR",
        "PKG_VERSION_MINOR",
        "PKG_VERSION_PATCH",
        "PKG_VERSION_PRE",
    ] {
        command.env_remove(format!("CARGO_{name}"));
    }
}

/// Prints the command, runs it in sight, and fails if it fails.
pub fn run(command: &mut Command) -> Result<()> {
    let typed = words(command);
    say(&format!("\n$ {}{typed}", variables(command)));
    let status = command.status().with_context(|| format!("`{typed}` could not be started"))?;
    ensure!(status.success(), "`{typed}` failed: {status}. Its own output above says why.");
    Ok(())
}

/// Runs a command out of sight: what it printed, or nothing if it failed or does not exist.
pub fn ask(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The first program of this name on `PATH`.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let folders = variable("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// A command as one would type it.
fn words(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| quote(&word.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

/// The variables set for a command, as one would type them before it.
fn variables(command: &Command) -> String {
    let set = command.get_envs().filter_map(|(name, value)| {
        Some(format!("{}={} ", name.to_string_lossy(), quote(&value?.to_string_lossy())))
    });
    set.collect()
}

fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_printed_as_one_would_type_it() {
        let mut command = Command::new("psql");
        command.args(["-c", "select 'x'"]).env("TEST_DATABASE_URL", "postgres://localhost:1/x");
        assert_eq!(variables(&command), "TEST_DATABASE_URL=postgres://localhost:1/x ");
        assert_eq!(words(&command), r"psql -c 'select '\''x'\'''");
    }

    #[test]
    fn a_failing_command_is_named() {
        let error = run(Command::new("sh").args(["-c", "exit 3"])).unwrap_err().to_string();
        assert!(error.contains("sh -c 'exit 3'") && error.contains('3'), "{error}");
    }

    #[test]
    fn asking_a_program_that_is_not_there_gives_nothing() {
        assert_eq!(ask(&mut Command::new("no-such-program-here")), None);
        assert_eq!(ask(Command::new("sh").args(["-c", "echo yes; exit 1"])), None);
        assert_eq!(ask(Command::new("sh").args(["-c", "echo yes"])).as_deref(), Some("yes"));
    }
}

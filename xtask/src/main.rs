//! The repository's own tool: `cargo xtask COMMAND`, the same here, on a laptop and in CI.

mod check;
mod conformance;
mod fuzz;
mod generate;
mod servers;
mod shell;
mod simulate;
mod tidy;

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use servers::{Purpose, Servers};

const USAGE: &str = "\
cargo xtask COMMAND

  check                 All that must hold before a change is merged, except the tests
  fix                   Repairs what can be repaired without a person
  test [ARGUMENTS]      Every test, with its own Postgres, Redis and Chromium; ARGUMENTS go to `cargo test`
  generate [--check]    Writes the pages of docs/reference; with --check, says which are stale
  conformance           The simulator before Stripe's own clients, installed from their registries for it
  fuzz-api [ARGUMENTS]  The service before requests made from its OpenAPI document; ARGUMENTS go to Schemathesis
  simulate [OPTIONS]    Stories of the whole system: --minutes N of fresh ones, or --seed N; --database NAME
  bench [SCENARIO]      Accepting webhooks, or `work`, `renewal-night [N]`, `streams [N]`, `usage [N]` or `reads [N]`, with a
                        Postgres that really writes to disk; or `simulator`, with its three limits
  servers COMMAND       Runs COMMAND with the test servers up and their addresses in the environment
  tidy                  The rules of the house, as in ARCHITECTURE.md";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            shell::say(&format!("\nerror: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] | ["help" | "--help" | "-h"] => {
            shell::say(USAGE);
            Ok(())
        }
        ["check"] => check::check(),
        ["fix"] => check::fix(),
        ["test", rest @ ..] => test(rest),
        ["generate"] => generate::generate(),
        ["generate", "--check"] => generate::check(),
        ["conformance"] => conformance::conformance(),
        ["fuzz-api", rest @ ..] => fuzz::fuzz(rest),
        ["simulate", rest @ ..] => simulate::simulate(rest),
        ["bench", "simulator"] => bench_simulator(),
        ["bench", "usage", rest @ ..] => bench("usage", rest),
        ["bench", "reads", rest @ ..] => bench("reads", rest),
        ["bench", rest @ ..] => bench("webhooks", rest),
        ["servers", "--", rest @ ..] | ["servers", rest @ ..] => with_servers(rest),
        ["tidy"] => tidy::tidy(),
        _ => bail!("`{}` is no command of this tool.\n\n{USAGE}", words.join(" ")),
    }
}

fn test(arguments: &[&str]) -> Result<()> {
    let servers = Servers::start(Purpose::Tests)?;
    let mut cargo = shell::cargo(&["test", "--workspace", "--no-fail-fast"]);
    servers.run(cargo.args(arguments))
}

fn bench(name: &str, arguments: &[&str]) -> Result<()> {
    let servers = Servers::start(Purpose::Bench)?;
    let mut cargo = shell::cargo(&["bench", "-p", "tollhouse-server", "--bench", name, "--"]);
    servers.run(cargo.args(arguments))
}

/// It needs no servers.
fn bench_simulator() -> Result<()> {
    shell::run(&mut shell::cargo(&["bench", "-p", "tollhouse-simulator", "--bench", "simulator"]))
}

fn with_servers(words: &[&str]) -> Result<()> {
    let (program, arguments) = words
        .split_first()
        .context("`cargo xtask servers` runs a command: say which, as in `servers sh`.")?;
    let servers = Servers::start(Purpose::Tests)?;
    let mut command = Command::new(program);
    command.args(arguments);
    shell::forget_this_package(&mut command);
    servers.run(&mut command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_command_is_refused_with_the_list_of_known_ones() {
        let error = dispatch(&["chek".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("`chek`") && error.contains("check  "), "{error}");
    }

    #[test]
    fn an_argument_nobody_reads_is_refused() {
        assert!(dispatch(&["tidy".to_owned(), "--all".to_owned()]).is_err());
    }

    #[test]
    fn servers_needs_a_command_to_run() {
        let error = dispatch(&["servers".to_owned(), "--".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("say which"), "{error}");
    }
}

//! `conformance`: the simulator before real clients, installed for the occasion.
//!
//! Stripe's Python and Node clients live through a subscription each; Stripe's command line triggers
//! all it can, and listens. What they are told by is Stripe's, so what they refuse is wrong with us.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::shell::{cargo, root, run, say};

const SCRIPTS: &str = "crates/simulator/tests/conformance";
const PYTHON_CLIENT: &str = "stripe==16.*";
const NODE_CLIENTS: [&str; 2] = ["stripe@23", "@stripe/cli@1.52.0"];
/// So many scenarios of `stripe trigger` pass at least.
const SCENARIOS_PASSED_MIN: usize = 100;
/// How the names of the others begin, and why they do not pass.
const KNOWN_FAILURES: [(&str, &str); 8] = [
    ("billing_portal.session.", "wants the default configuration that Stripe's dashboard saves"),
    ("checkout.session.async_payment_", "SEPA debits; the simulator takes cards"),
    ("identity.", "checks of people's identity are not billing"),
    ("issuing_", "issuing cards is not billing"),
    (
        "payment_intent.partially_funded",
        "payments from a cash balance; the simulator only keeps it",
    ),
    ("payment_intent.processing", "SEPA debits; the simulator takes cards"),
    ("reporting.", "reports are not billing"),
    ("v1.billing.meter.", "sent to a host of Stripe's, whatever base is given"),
];

/// A running simulator; stopped when it is dropped.
struct Simulator {
    process: Child,
    url: String,
    key: String,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // It may have stopped by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Simulator {
    fn start() -> Result<Self> {
        run(&mut cargo(&["build", "--quiet", "-p", "tollhouse"]))?;
        let mut process = cargo(&[
            "run",
            "--quiet",
            "-p",
            "tollhouse",
            "--",
            "simulator",
            "--port",
            "0",
            "--json",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .context("the simulator could not be started")?;
        let output = process.stdout.take().context("the simulator has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let field = |name: &str| {
            let rest = line.split(&format!("\"{name}\":\"")).nth(1)?;
            rest.split('"').next().map(str::to_owned)
        };
        let (url, key) = (field("simulator_url"), field("stripe_secret_key"));
        let context = "the simulator did not say where it listens";
        Ok(Self { process, url: url.context(context)?, key: key.context(context)? })
    }

    fn tell(&self, command: &mut Command) {
        command.env("SIMULATOR_URL", &self.url).env("STRIPE_SECRET_KEY", &self.key);
    }
}

pub fn conformance() -> Result<()> {
    let folder = tempfile::tempdir()?;
    install(folder.path()).context(
        "Stripe's clients could not be installed. PyPI and the npm registry must be reachable, with \
         `python3` (and its venv), `npm` and `node` here: the simulator is not believed without them, so \
         nothing is skipped",
    )?;
    let simulator = Simulator::start()?;
    let script = |name: &str| root().join(SCRIPTS).join(name);
    let mut python = Command::new(folder.path().join("python/bin/python"));
    simulator.tell(python.arg(script("life.py")));
    run(&mut python)?;
    let mut node = Command::new("node");
    simulator.tell(node.arg(script("life.mjs")).current_dir(folder.path()));
    run(&mut node)?;
    let cli = CommandLine::find(folder.path(), &simulator)?;
    let mut listening = Command::new(folder.path().join("python/bin/python"));
    simulator.tell(listening.arg(script("listen.py")).arg(&cli.program).env("HOME", &cli.home));
    run(&mut listening)?;
    cli.trigger_all()
}

fn install(folder: &Path) -> Result<()> {
    run(Command::new("python3").args(["-m", "venv"]).arg(folder.join("python")))?;
    run(Command::new(folder.join("python/bin/pip")).args(["install", "--quiet", PYTHON_CLIENT]))?;
    run(Command::new("npm")
        .args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"])
        .arg(folder)
        .args(NODE_CLIENTS))
}

/// Stripe's command line, with the simulator as its Stripe.
struct CommandLine {
    program: PathBuf,
    /// It keeps its settings here, and not in the home of whoever runs this.
    home: PathBuf,
    url: String,
    key: String,
}

impl CommandLine {
    fn find(folder: &Path, simulator: &Simulator) -> Result<Self> {
        let program = folder.join("node_modules/.bin/stripe");
        ensure!(program.exists(), "npm did not install Stripe's command line");
        let (url, key) = (simulator.url.clone(), simulator.key.clone());
        Ok(Self { program, home: folder.to_owned(), url, key })
    }

    /// What it prints; nothing where it fails.
    fn ask(&self, arguments: &[&str]) -> Option<String> {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .env("HOME", &self.home)
            .env("STRIPE_API_KEY", &self.key)
            .env("STRIPE_CLI_TELEMETRY_OPTOUT", "1");
        crate::shell::ask(&mut command)
    }

    /// Triggers each scenario it has, says which fail, and wants all of billing to go through.
    fn trigger_all(&self) -> Result<()> {
        let help = self.ask(&["trigger", "--help"]).context("`stripe trigger --help` failed")?;
        let scenarios = scenarios(&help);
        ensure!(scenarios.len() > 100, "`stripe trigger --help` lists too few scenarios: {help}");
        let fails = |name: &&str| {
            let arguments = ["trigger", name, "--api-base", &self.url];
            self.ask(&arguments).is_none_or(|said| !said.contains("Trigger succeeded"))
        };
        let failed: Vec<&str> = scenarios.iter().copied().filter(fails).collect();
        let passed = scenarios.len() - failed.len();
        say(&format!("\n{passed} of {} scenarios of `stripe trigger` pass.", scenarios.len()));
        for (beginning, reason) in KNOWN_FAILURES {
            say(&format!("not {beginning}*: {reason}"));
        }
        judge(&scenarios, &failed)
    }
}

/// # Errors
/// A scenario fails that should pass, one passes that is said not to, or fewer pass than should.
fn judge(scenarios: &[&str], failed: &[&str]) -> Result<()> {
    let is_known = |name: &&&str| KNOWN_FAILURES.iter().any(|(start, _)| name.starts_with(start));
    let is_failed = |name: &&&str| failed.contains(*name);
    let new: Vec<&str> = failed.iter().filter(|name| !is_known(name)).copied().collect();
    ensure!(new.is_empty(), "these should pass, and do not: {}", new.join(" "));
    let better = scenarios.iter().filter(|name| is_known(name) && !is_failed(name));
    let better: Vec<&str> = better.copied().collect();
    ensure!(
        better.is_empty(),
        "these pass now, which is good. Take them off the known failures in \
         xtask/src/conformance.rs: {}",
        better.join(" ")
    );
    let passed = scenarios.len() - failed.len();
    ensure!(passed >= SCENARIOS_PASSED_MIN, "{passed} scenarios pass, not {SCENARIOS_PASSED_MIN}");
    Ok(())
}

/// The names under «Supported events».
fn scenarios(help: &str) -> Vec<&str> {
    let lines = help.lines().skip_while(|line| !line.starts_with("Supported events"));
    let names = lines.skip(1).map(str::trim).take_while(|line| !line.is_empty());
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_known_and_what_is_known_fails() {
        let names: Vec<String> = (0..110).map(|place| format!("charge.{place}")).collect();
        let mut scenarios: Vec<&str> = names.iter().map(String::as_str).collect();
        scenarios.push("identity.verification_session.created");
        let known = ["identity.verification_session.created"];
        assert!(judge(&scenarios, &known).is_ok());
        let refused = |failed: &[&str]| judge(&scenarios, failed).unwrap_err().to_string();
        assert!(refused(&["charge.1", known[0]]).contains("charge.1"));
        assert!(refused(&[]).contains("known failures"));
        assert!(judge(&scenarios[11..], &known).is_err(), "99 are too few");
    }

    #[test]
    fn scenarios_are_read_from_the_help() {
        let help = "Words.\n\nSupported events:\n  a.b\n  c.d.e\n\nUsage:\n  stripe trigger";
        assert_eq!(scenarios(help), ["a.b", "c.d.e"]);
        assert!(scenarios("nothing").is_empty());
    }
}

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
/// Scenarios of products that are not billing, of payment methods beside cards, and those of meters, which
/// the command line sends to a host of Stripe's, whatever base it is given.
const NOT_BILLING: [&str; 13] = [
    "account.",
    "balance.",
    "cash_balance.",
    "checkout.session.async_payment_",
    "identity.",
    "issuing_",
    "payment_intent.partially_funded",
    "payment_intent.processing",
    "payout.",
    "reporting.",
    "topup.",
    "transfer.",
    "v1.billing.meter.",
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
    install(folder.path())?;
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
        let is_billing =
            |name: &&str| !NOT_BILLING.iter().any(|beginning| name.starts_with(beginning));
        let (ours, others): (Vec<&str>, Vec<&str>) = failed.into_iter().partition(is_billing);
        say(&format!("\n{passed} of {} scenarios of `stripe trigger` pass.", scenarios.len()));
        say(&format!("Not billing, not cards, or sent elsewhere: {}", others.join(" ")));
        let known: Vec<&str> = ours.iter().copied().filter(|name| is_known(name)).collect();
        say(&format!("Billing the simulator does not do: {}", known.join(" ")));
        let new: Vec<&str> = ours.into_iter().filter(|name| !is_known(name)).collect();
        ensure!(new.is_empty(), "these should pass, and do not: {}", new.join(" "));
        Ok(())
    }
}

/// Billing that the simulator answers with 501, and says so.
fn is_known(scenario: &str) -> bool {
    const BEGINNINGS: [&str; 5] =
        ["checkout.session.", "customer.source.", "payment_link.", "plan.", "quote."];

    BEGINNINGS.iter().any(|beginning| scenario.starts_with(beginning))
        || scenario.starts_with("subscription_schedule.")
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
    fn scenarios_are_read_from_the_help() {
        let help = "Words.\n\nSupported events:\n  a.b\n  c.d.e\n\nUsage:\n  stripe trigger";
        assert_eq!(scenarios(help), ["a.b", "c.d.e"]);
        assert!(scenarios("nothing").is_empty());
    }
}

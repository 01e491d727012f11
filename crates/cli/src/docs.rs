//! The generated pages of `docs/reference`.

use std::{fmt::Write, fs, path::PathBuf};

use clap::{Args, CommandFactory};
use serde_json::value::RawValue;
use tollhouse_domain::{
    actor::{Permission, Role, Scope},
    event::EventType,
};
use tollhouse_server::{
    config::DEFAULT_FILE,
    error::reference,
    events::samples::SAMPLES,
    http::document,
    metrics::list::{METRICS, Source},
};

use crate::Cli;

#[derive(Args)]
pub struct Docs {
    /// The folder to write to
    #[arg(long, default_value = "docs/reference")]
    out: PathBuf,
}

impl Docs {
    pub fn run(self) -> anyhow::Result<()> {
        fs::create_dir_all(&self.out)?;
        let mut openapi = serde_json::to_string_pretty(&document())?;
        openapi.push('\n');
        for (name, text) in [
            ("openapi.json", openapi),
            ("access.md", access()?),
            ("errors.md", errors()?),
            ("events.md", events()?),
            ("settings.md", settings()),
            ("metrics.md", metrics()?),
            ("commands.md", commands()?),
            ("simulator.md", tollhouse_simulator::reference()),
        ] {
            fs::write(self.out.join(name), text)?;
        }
        Ok(())
    }
}

fn access() -> anyhow::Result<String> {
    let mut page =
        "# Access\n\nWhat each role of a token and each scope of an API key permits, read from what the \
        service itself checks. `owner`, `admin`, `member` and `viewer` reach their own tenant; `operator`, \
        `support` and an API key that is not bound reach all. This page is generated.\n\n\
        | permits | roles | scopes |\n| --- | --- | --- |\n"
            .to_owned();
    for permission in Permission::ALL {
        let roles = Role::ALL.iter().filter(|role| role.allows(*permission));
        let roles: Vec<String> = roles.map(|role| format!("`{role}`")).collect();
        let scopes = Scope::ALL.iter().filter(|scope| scope.allows(*permission));
        let scopes: Vec<String> = scopes.map(|scope| format!("`{scope}`")).collect();
        writeln!(
            page,
            "| {} | {} | {} |",
            permission.sentence(),
            roles.join(", "),
            scopes.join(", ")
        )?;
    }
    Ok(page)
}

fn errors() -> anyhow::Result<String> {
    let mut page =
        "# Errors\n\nEvery error is `application/problem+json` with a stable `code`. This page is \
        generated.\n\n| status | code | sentence |\n| --- | --- | --- |\n"
            .to_owned();
    for (status, code, sentence) in reference() {
        writeln!(page, "| {status} | `{code}` | {sentence} |")?;
    }
    Ok(page)
}

fn events() -> anyhow::Result<String> {
    let mut page =
        "# Events\n\nEverything that can happen, as it is recorded for a tenant and sent to its \
        stream. This page is generated.\n\n| type | what happened |\n| --- | --- |\n"
            .to_owned();
    for event in EventType::ALL {
        writeln!(page, "| `{event}` | {} |", event.sentence())?;
    }
    page += "\n## Samples\n\nAs the API shows them; in the streams and in the history of all tenants they bear \
        `tenant_id` and `position` too. Amounts that end in `_minor` are whole minor units.\n";
    let samples: Vec<&RawValue> = serde_json::from_str(SAMPLES)?;
    for (event, sample) in EventType::ALL.iter().zip(samples) {
        // As it is written there, but for the indentation of a list.
        let sample = sample.get().replace("\n  ", "\n");
        writeln!(page, "\n### {event}\n\n```json\n{sample}\n```")?;
    }
    Ok(page)
}

fn metrics() -> anyhow::Result<String> {
    let mut page =
        "# Metrics\n\nWhat `GET /metrics` tells Prometheus; [watching it run](../guides/23-watching-it-run.md) says \
        who may ask, and what to make of it. An instance counts what goes through it since it started: add up over \
        instances. What is read from the database is the same on each: take `max`. This page is generated.\n\n\
        | metric | type | unit | labels | from | meaning |\n| --- | --- | --- | --- | --- | --- |\n"
            .to_owned();
    for metric in METRICS {
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let source = match metric.source {
            Source::Process => "instance",
            Source::Database => "database",
        };
        writeln!(
            page,
            "| `{}` | {} | {} | {} | {source} | {} |",
            metric.name,
            metric.kind.as_str(),
            metric.unit(),
            labels.join(", "),
            metric.meaning
        )?;
    }
    Ok(page)
}

fn settings() -> String {
    format!(
        "# Settings\n\nThe default file, which is compiled in. This page is generated.\n\n```toml\n{DEFAULT_FILE}```\n"
    )
}

fn commands() -> anyhow::Result<String> {
    let mut page =
        "# Commands\n\nThe command line's own help. This page is generated.\n".to_owned();
    let mut command = Cli::command();
    command.build();
    for subcommand in command.get_subcommands_mut().filter(|sub| !sub.is_hide_set()) {
        if subcommand.get_name() == "help" {
            continue;
        }
        let help = subcommand.render_long_help();
        writeln!(page, "\n## tollhouse {}\n\n```text\n{help}```", subcommand.get_name())?;
        for nested in subcommand.get_subcommands_mut().filter(|sub| sub.get_name() != "help") {
            let help = nested.render_long_help();
            writeln!(page, "\n### {}\n\n```text\n{help}```", nested.get_name())?;
        }
    }
    Ok(page)
}

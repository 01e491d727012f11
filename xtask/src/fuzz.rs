//! `fuzz-api`: our OpenAPI document against the service itself, by requests that nobody would think of.
//!
//! Schemathesis makes them from the document, good ones and bad ones, as an operator and as a tenant's owner. An
//! answer of 5xx is a finding, and so is one that the document does not know: its status, its type or its shape.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

use crate::shell::{cargo, root, run};

const SCHEMATHESIS: &str = "schemathesis==4.32.5";
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";
/// It never ends; the tests of the server look at it.
const STREAM: &str = "/api/v1/billing/stream";

/// A running demo; stopped when it is dropped.
struct Demo {
    process: Child,
    /// The line it says when it is ready.
    line: String,
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have stopped by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Demo {
    fn start() -> Result<Self> {
        run(&mut cargo(&["build", "--quiet", "-p", "tollhouse"]))?;
        let program = root().join("target/debug/tollhouse");
        let mut process = Command::new(program)
            .args(["demo", "--port", "0", "--json"])
            .stdout(Stdio::piped())
            .spawn()
            .context("the demo could not be started")?;
        let output = process.stdout.take().context("the demo has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        Ok(Self { process, line })
    }

    /// A text of its line, by the last place where the field stands: of the tenants the one that has paid.
    fn field(&self, name: &str) -> Result<&str> {
        let rest = self.line.rsplit(&format!("\"{name}\":\"")).next();
        let value = rest.filter(|rest| rest.len() < self.line.len());
        value
            .and_then(|rest| rest.split('"').next())
            .with_context(|| format!("the demo did not say its `{name}`"))
    }
}

/// `arguments` go to Schemathesis, such as `--seed 7` or `--include-path /api/v1/billing/plans`.
pub fn fuzz(arguments: &[&str]) -> Result<()> {
    let folder = root().join("target/schemathesis");
    let program = install(&folder)?;
    for token in ["operator_token", "owner"] {
        // Each has a demo of its own: the operator may leave little of it.
        let demo = Demo::start()?;
        let config = folder.join("schemathesis.toml");
        let known = format!("[parameters]\n\"path.tenant_id\" = \"{}\"\n", demo.field("id")?);
        fs::write(&config, known)?;
        let mut schemathesis = Command::new(&program);
        schemathesis
            .arg("--config-file")
            .arg(&config)
            .args(["run", &format!("{}/openapi.json", demo.field("url")?)])
            .args(["--header", &format!("Authorization: Bearer {}", demo.field(token)?)])
            .args(["--checks", CHECKS, "--exclude-path", STREAM])
            .args(["--phases", "examples,coverage,fuzzing", "--max-examples", "25"])
            .args(["--seed", "1", "--continue-on-failure", "--no-shrink"])
            .args(arguments)
            .current_dir(&folder);
        run(&mut schemathesis)?;
    }
    Ok(())
}

/// The program, installed once for each version.
fn install(folder: &Path) -> Result<PathBuf> {
    let home = folder.join(SCHEMATHESIS.replace("==", "-"));
    let program = home.join("bin/schemathesis");
    if !program.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
        run(Command::new(home.join("bin/pip")).args(["install", "--quiet", SCHEMATHESIS]))?;
    }
    Ok(program)
}

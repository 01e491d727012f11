//! `check` and `fix`: what must hold before a change is merged, and what repairs itself.

use anyhow::Result;

use crate::shell::{ask, cargo, run, say};
use crate::{generate, tidy};

/// The cheap checks first: a wrong space should not cost a build.
pub fn check() -> Result<()> {
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    say("\n$ cargo xtask tidy");
    tidy::tidy()?;
    run(&mut cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ]))?;
    generate::check()?;
    deny()
}

pub fn fix() -> Result<()> {
    run(&mut cargo(&["fmt", "--all"]))?;
    run(&mut cargo(&[
        "clippy",
        "--fix",
        "--allow-dirty",
        "--allow-staged",
        "--workspace",
        "--all-targets",
        "--all-features",
    ]))?;
    generate::generate()
}

/// Licences, sources and forbidden crates, as `deny.toml` says.
///
/// Not the advisories: they need a database from the network that changes every day, and a check
/// must give the same answer for the same commit. `cargo deny check advisories` asks for them.
fn deny() -> Result<()> {
    if ask(&mut cargo(&["deny", "--version"])).is_none() {
        run(&mut cargo(&["install", "cargo-deny", "--locked"]))?;
    }
    run(&mut cargo(&["deny", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"]))
}

//! `generate`: the pages of `docs/reference`, which the program writes about itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::shell::{cargo, root, run};

const REFERENCE: &str = "docs/reference";

/// Writes every page anew.
pub fn generate() -> Result<()> {
    write_to(&root().join(REFERENCE))
}

/// Writes every page to another folder and names those that differ from the ones kept.
pub fn check() -> Result<()> {
    let fresh = tempfile::tempdir()?;
    write_to(fresh.path())?;
    let stale = stale_pages(fresh.path(), &root().join(REFERENCE))?;
    ensure!(
        stale.is_empty(),
        "the program no longer says what these pages say: {}. Run `cargo xtask generate` and \
         commit what it wrote.",
        stale.iter().map(|name| format!("`{REFERENCE}/{name}`")).collect::<Vec<_>>().join(", ")
    );
    Ok(())
}

fn write_to(folder: &Path) -> Result<()> {
    run(cargo(&["run", "--quiet", "-p", "tollhouse", "--", "docs", "--out"]).arg(folder))
}

/// Pages that differ, are missing, or are no longer written by anyone.
fn stale_pages(fresh: &Path, kept: &Path) -> Result<Vec<String>> {
    let names: BTreeSet<String> = pages(fresh)?.union(&pages(kept)?).cloned().collect();
    let differs = |name: &String| fs::read(fresh.join(name)).ok() != fs::read(kept.join(name)).ok();
    Ok(names.into_iter().filter(differs).collect())
}

fn pages(folder: &Path) -> Result<BTreeSet<String>> {
    if !folder.exists() {
        return Ok(BTreeSet::new());
    }
    fs::read_dir(folder)
        .with_context(|| format!("`{}` cannot be read", folder.display()))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(pages: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in pages {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn names_pages_that_differ_are_missing_or_left_over() {
        let fresh = folder(&[("errors.md", "new"), ("events.md", "same"), ("settings.md", "x")]);
        let kept = folder(&[("errors.md", "old"), ("events.md", "same"), ("gone.md", "x")]);
        let stale = stale_pages(fresh.path(), kept.path()).unwrap();
        assert_eq!(stale, ["errors.md", "gone.md", "settings.md"]);
    }

    #[test]
    fn a_folder_that_was_never_written_is_all_stale() {
        let fresh = folder(&[("errors.md", "new")]);
        let stale = stale_pages(fresh.path(), Path::new("/no/such/folder")).unwrap();
        assert_eq!(stale, ["errors.md"]);
    }
}

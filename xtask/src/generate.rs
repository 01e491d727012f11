//! `generate`: the pages of `docs/reference`, which the program writes about itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::shell::{cargo, root, run};

const REFERENCE: &str = "docs/reference";
const README: &str = "README.md";
/// Between these stands in the README what `simulator.md` says in short.
const BEGIN: &str = "<!-- generated: simulator -->\n";
const END: &str = "<!-- end -->";

/// Writes every page anew.
pub fn generate() -> Result<()> {
    let folder = root().join(REFERENCE);
    write_to(&folder)?;
    let readme = root().join(README);
    fs::write(&readme, with_summary(&fs::read_to_string(&readme)?, &folder)?)?;
    Ok(())
}

/// The README with the summary of the simulator's page in `folder`: what is done, kind by kind.
fn with_summary(readme: &str, folder: &Path) -> Result<String> {
    let page = fs::read_to_string(folder.join("simulator.md"))?;
    let (before, rest) = readme.split_once(BEGIN).context("the README has lost its summary")?;
    let (_, after) = rest.split_once(END).context("the README's summary has no end")?;
    let sentence = page.lines().nth(2).and_then(|line| line.split_once(". ")).map(|parts| parts.0);
    let sentence = sentence.context("`simulator.md` does not say how much is done")?;
    let rows = page.lines().skip_while(|line| !line.starts_with("| ---")).skip(1);
    let kinds = rows.map_while(|row| {
        let mut cells = row.split('|').map(str::trim).skip(1);
        Some(format!("{} {}", cells.next()?, cells.next()?))
    });
    let kinds = kinds.collect::<Vec<_>>().join(" ·\n");
    Ok(format!(
        "{before}{BEGIN}{sentence}. [One by one]({REFERENCE}/simulator.md); by kind:\n\n{kinds}\n{END}{after}"
    ))
}

/// Writes every page to another folder and names those that differ from the ones kept.
pub fn check() -> Result<()> {
    let fresh = tempfile::tempdir()?;
    write_to(fresh.path())?;
    let mut stale = stale_pages(fresh.path(), &root().join(REFERENCE))?;
    let readme = fs::read_to_string(root().join(README))?;
    if with_summary(&readme, fresh.path())? != readme {
        stale.push(format!("../../{README}"));
    }
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
    fn the_readme_takes_over_what_the_page_says_in_short() {
        let page = "# Simulator\n\nIt does 2 of 3. More.\n\n| a | b |\n| --- | --- |\n\
                    | `/v1/x` | 1 of 2 |\n| `/v1/y` | 1 of 1 |\n\nRest | of | it.\n";
        let folder = folder(&[("simulator.md", page)]);
        let readme = format!("Before\n{BEGIN}old{END}\nAfter");
        let written = with_summary(&readme, folder.path()).unwrap();
        assert!(written.contains("It does 2 of 3. [One by one]"), "{written}");
        assert!(
            written.contains("`/v1/x` 1 of 2 ·\n`/v1/y` 1 of 1\n<!-- end -->\nAfter"),
            "{written}"
        );
        assert_eq!(with_summary(&written, folder.path()).unwrap(), written);
        assert!(with_summary("nothing", folder.path()).is_err());
    }

    #[test]
    fn a_folder_that_was_never_written_is_all_stale() {
        let fresh = folder(&[("errors.md", "new")]);
        let stale = stale_pages(fresh.path(), Path::new("/no/such/folder")).unwrap();
        assert_eq!(stale, ["errors.md"]);
    }
}

//! The repository as the rules see it: paths and their texts.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Where the slices live.
pub const SERVER: &str = "crates/server/src/";

/// Every file by its path from the top, in order. Only texts that a rule reads are kept.
pub struct House {
    files: BTreeMap<String, String>,
}

/// A Rust file of the server, with the folder under `src` it belongs to: the slice. For a file
/// directly under `src` that is its own name.
pub struct ServerFile<'a> {
    pub path: &'a str,
    pub text: &'a str,
    pub slice: &'a str,
    /// The path within the slice; empty for a file directly under `src`.
    pub within: &'a str,
}

impl House {
    pub fn read(root: &Path) -> Result<Self> {
        let mut files = BTreeMap::new();
        gather(root, "", &mut files)?;
        Ok(Self { files })
    }

    pub fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Whether this is a file or a folder with files.
    pub fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let folder = format!("{path}/");
        self.files.contains_key(path) || self.files.keys().any(|file| file.starts_with(&folder))
    }

    /// The names of the files directly in a folder.
    pub fn names_in(&self, folder: &str) -> impl Iterator<Item = &str> {
        self.files
            .keys()
            .filter_map(move |path| path.strip_prefix(folder))
            .filter(|name| !name.contains('/'))
    }

    pub fn rust_files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .filter(|(path, _)| is_rust(path))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    pub fn server_files(&self) -> impl Iterator<Item = ServerFile<'_>> {
        self.rust_files().filter_map(|(path, text)| {
            let inner = path.strip_prefix(SERVER)?;
            let (slice, within) = match inner.split_once('/') {
                Some(parts) => parts,
                None => (inner.trim_end_matches(".rs"), ""),
            };
            Some(ServerFile { path, text, slice, within })
        })
    }
}

#[cfg(test)]
impl House {
    pub fn of(files: &[(&str, &str)]) -> Self {
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        Self { files: files.iter().map(owned).collect() }
    }
}

fn gather(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) -> Result<()> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("`{}` cannot be read", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() && !["target", ".git", "node_modules"].contains(&name.as_str()) {
            gather(&entry.path(), &format!("{path}/"), files)?;
        } else if kind.is_file() {
            let read = is_rust(&path) || Path::new(&path).extension().is_some_and(|e| e == "md");
            let text = if read {
                fs::read_to_string(entry.path()).with_context(|| format!("`{path}`"))?
            } else {
                String::new()
            };
            files.insert(path, text);
        }
    }
    Ok(())
}

fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_texts_and_leaves_out_what_is_built() {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in [("src/a.rs", "fn a() {}"), ("logo.png", "\u{1}"), ("target/b.rs", "")]
        {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let house = House::read(folder.path()).unwrap();
        assert_eq!(house.text("src/a.rs"), Some("fn a() {}"));
        assert!(house.has("src") && house.has("src/") && house.has("logo.png"));
        assert!(!house.has("target/b.rs") && !house.has("sr"));
    }

    #[test]
    fn a_server_file_knows_its_slice() {
        let house = House::of(&[
            ("crates/server/src/app.rs", ""),
            ("crates/server/src/usage/actions/record.rs", ""),
            ("crates/domain/src/lib.rs", ""),
        ]);
        let found: Vec<_> = house.server_files().map(|file| (file.slice, file.within)).collect();
        assert_eq!(found, [("app", ""), ("usage", "actions/record.rs")]);
    }
}

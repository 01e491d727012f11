//! A copy of a SQLite database while it is at work.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind},
    path::Path,
};

use super::{Db, DbError, Pools};

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupFailed {
    #[error("the database is a Postgres, which has tools of its own: use `pg_dump`")]
    Postgres,
    #[error("`{0}` exists already, and a backup overwrites nothing: name another file")]
    Exists(String),
    #[error("the backup could not be written: {0}")]
    Io(#[from] io::Error),
    #[error("the database could not be copied: {0}")]
    Database(#[from] DbError),
}

impl Db {
    /// Writes the database as it is at one moment to a file of its own, while others go on writing to it.
    ///
    /// The file bears its name only when it is whole and on disk; nobody else may read it.
    ///
    /// # Errors
    /// [`BackupFailed`]; then there is no such file.
    pub async fn back_up(&self, to: &Path) -> Result<u64, BackupFailed> {
        let Pools::Sqlite { readers, .. } = &self.pools else { return Err(BackupFailed::Postgres) };
        if to.exists() {
            return Err(BackupFailed::Exists(to.display().to_string()));
        }
        let mut unfinished = to.as_os_str().to_owned();
        unfinished.push(".unfinished");
        let unfinished = Path::new(&unfinished);
        make_private(unfinished)?;
        // One statement reads one snapshot: in the write-ahead log nobody waits for it.
        let copied = sqlx::query("VACUUM INTO ?")
            .bind(unfinished.display().to_string())
            .execute(readers)
            .await;
        let written = copied.map_err(BackupFailed::from).and_then(|_| {
            File::open(unfinished)?.sync_all()?;
            let bytes = fs::metadata(unfinished)?.len();
            fs::rename(unfinished, to)?;
            Ok(bytes)
        });
        if written.is_err() {
            let _ = fs::remove_file(unfinished);
        }
        written
    }
}

/// An empty file that only we may read, instead of what an earlier attempt has left behind.
fn make_private(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

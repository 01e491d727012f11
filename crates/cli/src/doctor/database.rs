//! The database: reachable, on a disk that it can trust, at our schema, with our time.

use std::path::Path;

use tollhouse_server::{
    Clock, Config,
    db::{Db, Standing, sqlite_file},
    doctor::{Finding, schema, time},
    nudge::Nudges,
};

const CHECK: &str = "database";
/// Where several machines may write, or locks are not what they are on a disk.
const NETWORK: [&str; 13] = [
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "afs",
    "ceph",
    "lustre",
    "beegfs",
    "ocfs2",
    "gfs2",
    "fuse.sshfs",
    "fuse.glusterfs",
];
const MEMORY: [&str; 2] = ["tmpfs", "ramfs"];

/// The database, where it can be used as it is; and what was found.
pub async fn examine(config: &Config, clock: &Clock) -> (bool, Vec<Finding>) {
    let url = config.database.url.expose();
    if let Some(file) = sqlite_file(url)
        && !file.exists()
    {
        let means = format!("There is no SQLite file `{}` yet.", file.display());
        return (false, vec![Finding::problem(CHECK, means, "Run `tollhouse migrate`.")]);
    }
    let db = match Db::open(url, 1, Nudges::default()).await {
        Ok(db) => db,
        Err(error) => {
            let remedy = "See that it runs, and that `DATABASE_URL` names it.";
            let means = format!("The database cannot be opened: {error}.");
            return (false, vec![Finding::problem(CHECK, means, remedy)]);
        }
    };
    let findings = look(&db, url, clock).await;
    db.close().await;
    match findings {
        Ok((usable, findings)) => (usable, findings),
        Err(error) => {
            let means = format!("The database was opened, and does not answer: {error}.");
            (false, vec![Finding::problem(CHECK, means, "See its own log.")])
        }
    }
}

async fn look(
    db: &Db,
    url: &str,
    clock: &Clock,
) -> Result<(bool, Vec<Finding>), tollhouse_server::db::DbError> {
    let mut findings = vec![match sqlite_file(url) {
        Some(file) => sqlite(&file, db.journal_mode().await?.as_deref().unwrap_or_default()),
        None => Finding::ok(CHECK, "A Postgres, which answers."),
    }];
    let standing = db.standing().await?;
    findings.push(schema::judge(standing));
    if let Some(theirs) = db.now().await? {
        findings.push(time::compare("database clock", "the database's", theirs, clock.now()));
    }
    Ok((matches!(standing, Standing::Current { .. }), findings))
}

fn sqlite(file: &Path, journal_mode: &str) -> Finding {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let whole = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let kind = file_system(&mounts, &whole);
    if let Some(kind) = kind.filter(|kind| NETWORK.contains(kind)) {
        return Finding::problem(
            CHECK,
            format!(
                "The SQLite file lies on `{kind}`, a file system of a network, where it can be damaged."
            ),
            "Move it to a local disk, or use a Postgres.",
        );
    }
    if let Some(kind) = kind.filter(|kind| MEMORY.contains(kind)) {
        return Finding::problem(
            CHECK,
            format!(
                "The SQLite file lies on `{kind}`, in memory: it is gone when the machine stops."
            ),
            "Move it to a local disk, or use a Postgres.",
        );
    }
    if journal_mode != "wal" {
        return Finding::problem(
            CHECK,
            format!(
                "SQLite keeps its journal as `{journal_mode}`, so that readers and the writer wait for each other."
            ),
            "Move the file to a local disk that allows a write-ahead log (`wal`).",
        );
    }
    let place =
        if kind.is_some() { "on a local disk" } else { "on a disk of a kind not known here" };
    Finding::ok(CHECK, format!("SQLite in `{}`, {place}, with a write-ahead log.", file.display()))
}

/// The kind of file system a path lies on, as Linux tells: of its mount with the longest path.
fn file_system<'m>(mountinfo: &'m str, path: &Path) -> Option<&'m str> {
    let mounts = mountinfo.lines().filter_map(|line| {
        let (place, source) = line.split_once(" - ")?;
        Some((place.split(' ').nth(4)?, source.split(' ').next()?))
    });
    let above = mounts.filter(|(place, _)| path.starts_with(place));
    above.max_by_key(|(place, _)| place.len()).map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_lies_on_the_nearest_mount() {
        let mounts = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
            30 22 0:40 / /data rw,relatime shared:1 - nfs4 server:/data rw\n\
            31 30 8:2 / /data/local rw - xfs /dev/sdb rw\n";
        for (path, kind) in [
            ("/var/lib/tollhouse.sqlite", Some("ext4")),
            ("/data/tollhouse.sqlite", Some("nfs4")),
            ("/database/tollhouse.sqlite", Some("ext4")),
            ("/data/local/tollhouse.sqlite", Some("xfs")),
            ("relative", None),
        ] {
            assert_eq!(file_system(mounts, Path::new(path)), kind, "{path}");
        }
    }
}

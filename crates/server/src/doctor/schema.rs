//! The schema of the database beside the one that this release wants.

use super::Finding;
use crate::db::Standing;

/// What is to be said of it.
pub fn judge(standing: Standing) -> Finding {
    const CHECK: &str = "migrations";
    match standing {
        Standing::Current { version } => Finding::ok(
            CHECK,
            format!("The schema is at version {version}, as this release wants it."),
        ),
        Standing::Behind { version, newest } => Finding::problem(
            CHECK,
            format!("The schema is at version {version}; this release wants {newest}."),
            "Back it up, then run `tollhouse migrate`, or start the service, which does the same.",
        ),
        Standing::Newer => Finding::problem(
            CHECK,
            "The schema was made by a newer release, and this one refuses to start on it.",
            "Run that release, or restore a backup made before it.",
        ),
    }
}

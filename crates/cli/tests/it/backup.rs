//! A copy taken while webhooks come: whole, consistent in itself, and good to start on.

use std::{
    collections::BTreeSet,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tollhouse_server::{
    db::{Column, Db, DbError, Record, Row},
    nudge::Nudges,
};

use crate::harness::{Installation, Numbers, Stripe, Tollhouse, send};

const TENANTS: usize = 8;
const MONTH: i64 = 32 * 86_400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_is_consistent_and_the_service_starts_on_it() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let database = format!("sqlite:{}", folder.path().join("busy.sqlite").display());
    let stripe = Stripe::start().await;
    let installation = Installation { database: &database, redis: "", stripe: &stripe };
    installation.push_catalog().await;
    let instance = installation.start_instance().await;
    for index in 0..TENANTS {
        instance.subscribe(&stripe, &format!("Tenant {index}")).await;
    }
    let id = |event: &Value| event["id"].as_str().unwrap().to_owned();
    let mut events = stripe.events_besides(&BTreeSet::new()).await;
    let first: BTreeSet<String> = events.iter().map(id).collect();
    stripe.advance(MONTH).await;
    events.extend(stripe.events_besides(&first).await);
    let sent = events.iter().map(id).collect();
    let numbers = Numbers::any();

    let mut sending = send(&[&instance], &events, &numbers).await;
    let mut backups: Vec<PathBuf> = Vec::new();
    while !sending.is_empty() {
        let to = folder.path().join(format!("backup-{}.sqlite", backups.len()));
        let words = ["backup", "--to", to.to_str().unwrap()];
        let said = Tollhouse::new().with("DATABASE_URL", &database).run(&words).await.succeeded();
        assert!(said.contains(&format!("bytes in `{}`", to.display())), "{said}");
        backups.push(to);
        while sending.try_join_next().is_some() {}
    }
    instance.settled().await;
    instance.running.stop().await;
    for backup in &backups {
        is_consistent(backup).await;
        assert_eq!(std::fs::metadata(backup).unwrap().permissions().mode() & 0o777, 0o600);
    }

    let restored = format!("sqlite:{}", backups[0].display());
    let restored = Installation { database: &restored, redis: "", stripe: &stripe };
    let restored = restored.start_instance().await;
    send(&[&restored], &events, &numbers).await.join_all().await;
    restored.settled().await;
    restored.has_kept(&sent).await;
    restored.has_told_once(&stripe, TENANTS).await;
    restored.running.stop().await;
    stripe.running.stop().await;
}

struct Text(String);

impl Record for Text {
    fn read(row: &Row<'_>) -> Result<Self, DbError> {
        String::read(row, "text").map(Self)
    }
}

/// Nothing is broken, no number is missing, and what is settled is there.
async fn is_consistent(backup: &Path) {
    let copy = backup.with_extension("opened");
    std::fs::copy(backup, &copy).unwrap();
    let db = Db::open(&format!("sqlite:{}", copy.display()), 1, Nudges::default()).await.unwrap();
    let mut conn = db.read().await.unwrap();
    for (question, answer) in [
        ("SELECT integrity_check AS text FROM pragma_integrity_check", &["ok"][..]),
        ("SELECT \"table\" AS text FROM pragma_foreign_key_check", &[]),
        (
            "SELECT hex(c.tenant_id) AS text FROM event_counters c
             WHERE c.last <> (SELECT COUNT(*) FROM events e WHERE e.tenant_id = c.tenant_id)
                OR c.last <> (SELECT MAX(sequence) FROM events e WHERE e.tenant_id = c.tenant_id)
                OR 1 <> (SELECT MIN(sequence) FROM events e WHERE e.tenant_id = c.tenant_id)",
            &[],
        ),
        (
            "SELECT hex(e.tenant_id) AS text FROM events e
             WHERE e.tenant_id NOT IN (SELECT tenant_id FROM event_counters)",
            &[],
        ),
        (
            "SELECT d.object_id AS text FROM deliveries d WHERE d.state = 'done'
                AND d.object_id LIKE 'sub\\_%' ESCAPE '\\'
                AND d.object_id NOT IN (SELECT stripe_subscription_id FROM subscriptions)",
            &[],
        ),
        (
            "SELECT d.object_id AS text FROM deliveries d WHERE d.state = 'done'
                AND d.object_id LIKE 'in\\_%' ESCAPE '\\'
                AND d.object_id NOT IN (SELECT stripe_invoice_id FROM invoices)",
            &[],
        ),
    ] {
        let rows: Vec<Text> = conn.query(question).all().await.unwrap();
        let rows: Vec<&str> = rows.iter().map(|row| row.0.as_str()).collect();
        assert_eq!(rows, answer, "{question}");
    }
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_backup_that_cannot_be_is_refused_with_a_sentence() {
    let postgres = Tollhouse::new().with("DATABASE_URL", "postgres://nobody@127.0.0.1:9/none");
    let complaint = postgres.run(&["backup", "--to", "copy.sqlite"]).await.refused(1);
    assert!(complaint.contains("`pg_dump`"), "{complaint}");
    let sqlite = Tollhouse::new();
    let complaint = sqlite.run(&["backup", "--to", "copy.sqlite"]).await.refused(1);
    assert!(complaint.contains("there is no SQLite file `tollhouse.sqlite`"), "{complaint}");
    sqlite.run(&["migrate"]).await.succeeded();
    let json = sqlite.run(&["backup", "--to", "copy.sqlite", "--json"]).await.succeeded();
    assert!(json.contains(r#""file":"copy.sqlite""#), "{json}");
    let complaint = sqlite.run(&["backup", "--to", "copy.sqlite"]).await.refused(1);
    assert!(complaint.contains("`copy.sqlite` exists already"), "{complaint}");
    let complaint = sqlite.run(&["backup", "--to", "nowhere/copy.sqlite"]).await.refused(1);
    assert!(complaint.contains("could not be written"), "{complaint}");
}

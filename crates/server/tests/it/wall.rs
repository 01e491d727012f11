//! The second wall between tenants: on Postgres, a query that forgets its tenant shows nobody else's.

use std::collections::BTreeSet;

use serde_json::json;
use tollhouse_domain::id::TenantId;
use tollhouse_server::{
    db::{Column, Conn, Db, DbError, Record, Row, within},
    nudge::Nudges,
};
use url::Url;

use crate::harness::{Database, Kind, TestApp, run_on_server};

/// Belongs to nobody: the catalog, and what counts for all.
const NOBODYS: [&str; 7] = [
    "coupons",
    "event_positions",
    "meters",
    "plans",
    "portal_configurations",
    "prices",
    "promotion_codes",
];

struct Name(String);

impl Record for Name {
    fn read(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self(String::read(row, "name")?))
    }
}

async fn names(conn: &mut Conn, sql: &str) -> BTreeSet<String> {
    let names: Vec<Name> = conn.query(sql.to_owned()).all().await.unwrap();
    names.into_iter().map(|name| name.0).collect()
}

/// Two tenants with something in as many tables as a few calls reach.
async fn two_tenants(app: &TestApp) -> [TenantId; 2] {
    let tenants = [app.subscriber("Acme", "pro").await, app.subscriber("Bolt", "pro").await];
    for tenant in tenants {
        let usage = json!({"meter": "api_calls", "quantity": 3, "idempotency_key": "one"});
        app.ask(tenant, "usage", &usage).await.expect(202);
    }
    app.advance(3600).await;
    tenants
}

#[tokio::test]
async fn what_a_tenant_reads_is_its_own_whatever_the_query_says() {
    let app = TestApp::start(Kind::Postgres).await;
    let [acme, _] = two_tenants(&app).await;
    let with_tenant = "SELECT relname::text AS name FROM pg_class
        JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'tenant_id'
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        AND has_table_privilege('tollhouse_tenant', pg_class.oid, 'SELECT')";
    let owned = names(&mut app.app.db.read().await.unwrap(), with_tenant).await;
    let mut guarded = BTreeSet::new();
    for table in &owned {
        let all = format!(
            "SELECT DISTINCT tenant_id::text AS name FROM {table} WHERE tenant_id IS NOT NULL"
        );
        let own = within(acme, async {
            let mut reading = app.app.db.read().await.unwrap();
            let own = names(&mut reading, &all).await;
            drop(reading);
            let mut at_one_moment = app.app.db.snapshot().await.unwrap();
            assert_eq!(names(&mut at_one_moment, &all).await, own, "{table}");
            own
        });
        let own = own.await;
        assert!(own.iter().all(|name| *name == acme.to_string()), "{table}: {own:?}");
        if names(&mut app.app.db.read().await.unwrap(), &all).await.len() == 2 {
            assert_eq!(own.len(), 1, "{table}");
            guarded.insert(table.clone());
        }
    }
    assert!(guarded.len() >= 8, "both tenants have something there: {guarded:?}");
    for (table, parent) in [("invoice_lines", "invoice"), ("subscription_items", "subscription")] {
        let rows = format!("SELECT DISTINCT {parent}_id::text AS name FROM {table}");
        let own = within(acme, async { names(&mut app.app.db.read().await.unwrap(), &rows).await });
        assert_eq!(own.await.len(), 1, "{table}");
        assert_eq!(names(&mut app.app.db.read().await.unwrap(), &rows).await.len(), 2, "{table}");
    }
    app.finish().await;
}

#[tokio::test]
async fn each_table_is_shut_guarded_or_nobodys() {
    let app = TestApp::start(Kind::Postgres).await;
    let open = "SELECT relname::text AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace
        AND relkind IN ('r', 'p', 'v', 'm') AND has_table_privilege('tollhouse_tenant', oid, 'SELECT') AND NOT relrowsecurity";
    let open = names(&mut app.app.db.read().await.unwrap(), open).await;
    assert_eq!(open, NOBODYS.map(str::to_owned).into());
    let tenant = app.tenant("Acme").await;
    let keys = within(tenant, async {
        let mut conn = app.app.db.read().await.unwrap();
        conn.query("SELECT name FROM api_keys").all::<Name>().await.map(drop)
    });
    assert!(keys.await.unwrap_err().to_string().contains("permission denied"));
    app.finish().await;
}

#[tokio::test]
async fn who_may_not_make_the_role_is_told_what_to_do() {
    let database = Database::create(Kind::Postgres).await;
    let name = database.url.rsplit_once('/').unwrap().1.to_owned();
    let (user, role) = (format!("{name}_user"), format!("{name}_tenant"));
    for statement in [
        format!("CREATE ROLE {user} LOGIN PASSWORD 'of a test'"),
        format!("GRANT CREATE ON DATABASE {name} TO {user}"),
        format!("ALTER DATABASE {name} OWNER TO {user}"),
    ] {
        run_on_server(&statement).await;
    }
    let mut url = Url::parse(&database.url).unwrap();
    url.set_username(&user).unwrap();
    url.set_password(Some("of a test")).unwrap();
    let open = async || Db::open(url.as_str(), 1, Nudges::default()).await.unwrap();
    open().await.migrate().await.unwrap();

    let refused = open().await.with_wall(&role).await.err().unwrap().to_string();
    assert!(refused.contains(&format!("CREATE ROLE {role} NOLOGIN; GRANT {role} TO")), "{refused}");
    let without = open().await.with_wall("").await.unwrap();
    without.close().await;
    run_on_server(&format!("CREATE ROLE {role} NOLOGIN")).await;
    run_on_server(&format!("GRANT {role} TO {user}")).await;
    let db = open().await.with_wall(&role).await.unwrap();
    db.close().await;
    database.drop().await;
    run_on_server(&format!("DROP ROLE {role}, {user}")).await;
}

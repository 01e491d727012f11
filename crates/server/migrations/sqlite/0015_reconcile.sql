-- One comparison of our tables with Stripe. At most one is under way, on the instance that holds its lease.
CREATE TABLE reconcile_runs (
    id           BLOB PRIMARY KEY,
    -- What it is to compare. An import also makes tenants of Stripe's customers.
    kind         TEXT NOT NULL CHECK (kind IN ('events', 'full', 'import')),
    state        TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed')),
    -- What is being compared, and the last object of the last page that was.
    stage        TEXT NOT NULL,
    cursor       TEXT,
    -- Stripe's event up to which, with all before it, everything was looked at; kept from run to run.
    event_cursor TEXT,
    -- The metadata key under which customers bear the id of their tenant; of imports.
    tenant_key   TEXT,
    looked_at    INTEGER NOT NULL,
    -- Webhooks that never came.
    lost         INTEGER NOT NULL,
    -- Objects of which we knew something else.
    changed      INTEGER NOT NULL,
    needs_person INTEGER NOT NULL,
    tenants_made INTEGER NOT NULL,
    -- Failures since anything was compared.
    attempts     INTEGER NOT NULL,
    error        TEXT,
    -- Until when nobody else may work at it. Who takes it over raises the fence: the one before writes no more.
    leased_until TEXT NOT NULL,
    fence        INTEGER NOT NULL,
    started_at   TEXT NOT NULL,
    finished_at  TEXT
) STRICT;
CREATE UNIQUE INDEX reconcile_runs_running ON reconcile_runs (state) WHERE state = 'running';

-- What differed from Stripe.
CREATE TABLE drift (
    id          BLOB PRIMARY KEY,
    run_id      BLOB NOT NULL REFERENCES reconcile_runs (id),
    -- `subscription`, `invoice` …, and Stripe's id of it.
    object_kind TEXT NOT NULL,
    object_id   TEXT NOT NULL,
    tenant_id   BLOB REFERENCES tenants (id),
    state       TEXT NOT NULL CHECK (state IN ('healed', 'needs_person', 'resolved')),
    -- A list of field, before and after.
    differences TEXT NOT NULL CHECK (json_valid(differences)),
    -- How it came, or what stands against healing it.
    reason      TEXT NOT NULL,
    found_at    TEXT NOT NULL,
    -- When it was last found to be so.
    seen_at     TEXT NOT NULL,
    -- When it was healed, or a person said that it is.
    settled_at  TEXT
) STRICT;
CREATE UNIQUE INDEX drift_open ON drift (object_kind, object_id) WHERE state = 'needs_person';

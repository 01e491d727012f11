-- One comparison of our tables with Stripe. At most one is under way, on the instance that holds its lease.
CREATE TABLE reconcile_runs (
    id           uuid PRIMARY KEY,
    -- What it is to compare. An import also makes tenants of Stripe's customers.
    kind         text NOT NULL CHECK (kind IN ('events', 'full', 'import')),
    state        text NOT NULL CHECK (state IN ('running', 'done', 'failed')),
    -- What is being compared, and the last object of the last page that was.
    stage        text NOT NULL,
    cursor       text,
    -- Stripe's event up to which, with all before it, everything was looked at; kept from run to run.
    event_cursor text,
    -- The metadata key under which customers bear the id of their tenant; of imports.
    tenant_key   text,
    looked_at    bigint NOT NULL,
    -- Webhooks that never came.
    lost         bigint NOT NULL,
    -- Objects of which we knew something else.
    changed      bigint NOT NULL,
    needs_person bigint NOT NULL,
    tenants_made bigint NOT NULL,
    -- Failures since anything was compared.
    attempts     bigint NOT NULL,
    error        text,
    -- Until when nobody else may work at it. Who takes it over raises the fence: the one before writes no more.
    leased_until timestamptz NOT NULL,
    fence        bigint NOT NULL,
    started_at   timestamptz NOT NULL,
    finished_at  timestamptz
);
CREATE UNIQUE INDEX reconcile_runs_running ON reconcile_runs (state) WHERE state = 'running';

-- What differed from Stripe.
CREATE TABLE drift (
    id          uuid PRIMARY KEY,
    run_id      uuid NOT NULL REFERENCES reconcile_runs (id),
    -- `subscription`, `invoice` …, and Stripe's id of it.
    object_kind text NOT NULL,
    object_id   text NOT NULL,
    tenant_id   uuid REFERENCES tenants (id),
    state       text NOT NULL CHECK (state IN ('healed', 'needs_person', 'resolved')),
    -- A list of field, before and after.
    differences jsonb NOT NULL,
    -- How it came, or what stands against healing it.
    reason      text NOT NULL,
    found_at    timestamptz NOT NULL,
    -- When it was last found to be so.
    seen_at     timestamptz NOT NULL,
    -- When it was healed, or a person said that it is.
    settled_at  timestamptz
);
CREATE UNIQUE INDEX drift_open ON drift (object_kind, object_id) WHERE state = 'needs_person';

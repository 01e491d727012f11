CREATE TABLE subscriptions (
    id                     BLOB PRIMARY KEY,
    tenant_id              BLOB NOT NULL REFERENCES tenants (id),
    stripe_subscription_id TEXT NOT NULL UNIQUE,
    kind                   TEXT NOT NULL CHECK (kind IN ('base', 'addon')),
    -- The terms it is locked to.
    price_lookup_key       TEXT NOT NULL REFERENCES prices (lookup_key),
    plan_code              TEXT NOT NULL,
    plan_version           INTEGER NOT NULL,
    status                 TEXT NOT NULL CHECK (status IN ('incomplete', 'incomplete_expired', 'trialing',
                               'active', 'past_due', 'canceled', 'unpaid', 'paused')),
    quantity               INTEGER NOT NULL,
    -- What one period costs, in minor units.
    amount                 INTEGER NOT NULL,
    currency               TEXT NOT NULL,
    period_start           TEXT NOT NULL,
    period_end             TEXT NOT NULL,
    trial_end              TEXT,
    cancel_at              TEXT,
    cancel_at_period_end   INTEGER NOT NULL CHECK (cancel_at_period_end IN (0, 1)),
    canceled_at            TEXT,
    ended_at               TEXT,
    grace_started_at       TEXT,
    started_at             TEXT NOT NULL,
    -- Counts the writes: a fetch is written only where nobody wrote since it began.
    version                INTEGER NOT NULL,
    stripe_object          TEXT NOT NULL CHECK (json_valid(stripe_object)),
    updated_at             TEXT NOT NULL,
    FOREIGN KEY (plan_code, plan_version) REFERENCES plans (code, version)
) STRICT;
CREATE INDEX subscriptions_tenant ON subscriptions (tenant_id, started_at);

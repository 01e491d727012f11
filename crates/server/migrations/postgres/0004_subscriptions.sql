CREATE TABLE subscriptions (
    id                     uuid PRIMARY KEY,
    tenant_id              uuid NOT NULL REFERENCES tenants (id),
    stripe_subscription_id text NOT NULL UNIQUE,
    kind                   text NOT NULL CHECK (kind IN ('base', 'addon')),
    -- The terms it is locked to.
    price_lookup_key       text NOT NULL REFERENCES prices (lookup_key),
    plan_code              text NOT NULL,
    plan_version           bigint NOT NULL,
    status                 text NOT NULL CHECK (status IN ('incomplete', 'incomplete_expired', 'trialing',
                               'active', 'past_due', 'canceled', 'unpaid', 'paused')),
    quantity               bigint NOT NULL,
    -- What one period costs, in minor units.
    amount                 bigint NOT NULL,
    currency               text NOT NULL,
    period_start           timestamptz NOT NULL,
    period_end             timestamptz NOT NULL,
    trial_end              timestamptz,
    cancel_at              timestamptz,
    cancel_at_period_end   boolean NOT NULL,
    canceled_at            timestamptz,
    ended_at               timestamptz,
    grace_started_at       timestamptz,
    started_at             timestamptz NOT NULL,
    -- Counts the writes: a fetch is written only where nobody wrote since it began.
    version                bigint NOT NULL,
    stripe_object          jsonb NOT NULL,
    updated_at             timestamptz NOT NULL,
    FOREIGN KEY (plan_code, plan_version) REFERENCES plans (code, version)
);
CREATE INDEX subscriptions_tenant ON subscriptions (tenant_id, started_at);

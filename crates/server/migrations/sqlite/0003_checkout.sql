CREATE TABLE checkouts (
    id                BLOB PRIMARY KEY,
    tenant_id         BLOB NOT NULL REFERENCES tenants (id),
    price_lookup_key  TEXT NOT NULL REFERENCES prices (lookup_key),
    quantity          INTEGER NOT NULL CHECK (quantity > 0),
    -- `preparing` until Stripe has answered.
    state             TEXT NOT NULL CHECK (state IN ('preparing', 'open', 'complete', 'expired')),
    stripe_session_id TEXT UNIQUE,
    url               TEXT,
    expires_at        TEXT,
    created_at        TEXT NOT NULL,
    updated_at        TEXT NOT NULL
) STRICT;
CREATE INDEX checkouts_tenant_open ON checkouts (tenant_id) WHERE state IN ('preparing', 'open');

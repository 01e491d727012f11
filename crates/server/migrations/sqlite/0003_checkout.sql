CREATE TABLE checkouts (
    id                BLOB PRIMARY KEY,
    tenant_id         BLOB NOT NULL REFERENCES tenants (id),
    price_lookup_key  TEXT NOT NULL REFERENCES prices (lookup_key),
    quantity          INTEGER NOT NULL CHECK (quantity > 0),
    -- `preparing` while Stripe is asked; `interrupted` where it did not answer.
    state             TEXT NOT NULL CHECK (state IN ('preparing', 'interrupted', 'open', 'complete', 'expired')),
    stripe_session_id TEXT UNIQUE,
    url               TEXT,
    expires_at        TEXT,
    created_at        TEXT NOT NULL,
    updated_at        TEXT NOT NULL
) STRICT;
CREATE INDEX checkouts_tenant_open ON checkouts (tenant_id) WHERE state = 'open';
-- One page at a time is opened for a tenant: the next one finds it and closes it.
CREATE UNIQUE INDEX checkouts_one_preparing ON checkouts (tenant_id) WHERE state = 'preparing';

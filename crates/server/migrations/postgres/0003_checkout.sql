CREATE TABLE checkouts (
    id                uuid PRIMARY KEY,
    tenant_id         uuid NOT NULL REFERENCES tenants (id),
    price_lookup_key  text NOT NULL REFERENCES prices (lookup_key),
    quantity          bigint NOT NULL CHECK (quantity > 0),
    -- `preparing` while Stripe is asked; `interrupted` where it did not answer.
    state             text NOT NULL CHECK (state IN ('preparing', 'interrupted', 'open', 'complete', 'expired')),
    stripe_session_id text UNIQUE,
    url               text,
    expires_at        timestamptz,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL
);
CREATE INDEX checkouts_tenant_open ON checkouts (tenant_id) WHERE state = 'open';
-- One page at a time is opened for a tenant: the next one finds it and closes it.
CREATE UNIQUE INDEX checkouts_one_preparing ON checkouts (tenant_id) WHERE state = 'preparing';

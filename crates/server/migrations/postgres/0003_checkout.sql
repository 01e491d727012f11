CREATE TABLE checkouts (
    id                uuid PRIMARY KEY,
    tenant_id         uuid NOT NULL REFERENCES tenants (id),
    price_lookup_key  text NOT NULL REFERENCES prices (lookup_key),
    quantity          bigint NOT NULL CHECK (quantity > 0),
    -- `preparing` until Stripe has answered.
    state             text NOT NULL CHECK (state IN ('preparing', 'open', 'complete', 'expired')),
    stripe_session_id text UNIQUE,
    url               text,
    expires_at        timestamptz,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL
);
CREATE INDEX checkouts_tenant_open ON checkouts (tenant_id) WHERE state IN ('preparing', 'open');

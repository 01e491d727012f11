CREATE TABLE tenants (
    id                 uuid PRIMARY KEY,
    name               text NOT NULL,
    contact_email      text NOT NULL,
    billing_email      text,
    status             text NOT NULL CHECK (status IN ('active', 'suspended', 'terminated')),
    support_tier       text NOT NULL,
    sla_level          bigint NOT NULL,
    metadata           jsonb NOT NULL,
    -- One customer for one tenant, and one tenant for one customer.
    stripe_customer_id text UNIQUE,
    -- Whether Stripe knows the customer's name and address.
    customer_named     boolean NOT NULL,
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL
);

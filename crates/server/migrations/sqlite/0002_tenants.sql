CREATE TABLE tenants (
    id                 BLOB PRIMARY KEY,
    name               TEXT NOT NULL,
    contact_email      TEXT NOT NULL,
    billing_email      TEXT,
    status             TEXT NOT NULL CHECK (status IN ('active', 'suspended', 'terminated')),
    support_tier       TEXT NOT NULL,
    sla_level          INTEGER NOT NULL,
    metadata           TEXT NOT NULL CHECK (json_valid(metadata)),
    -- One customer for one tenant, and one tenant for one customer.
    stripe_customer_id TEXT UNIQUE,
    -- Whether Stripe knows the customer's name and address.
    customer_named     INTEGER NOT NULL CHECK (customer_named IN (0, 1)),
    created_at         TEXT NOT NULL,
    updated_at         TEXT NOT NULL
) STRICT;

CREATE TABLE invoices (
    id                     BLOB PRIMARY KEY,
    tenant_id              BLOB NOT NULL REFERENCES tenants (id),
    stripe_invoice_id      TEXT NOT NULL UNIQUE,
    stripe_subscription_id TEXT,
    number                 TEXT,
    status                 TEXT NOT NULL CHECK (status IN ('draft', 'open', 'paid', 'uncollectible', 'void')),
    currency               TEXT NOT NULL,
    -- Minor units.
    amount_due             INTEGER NOT NULL,
    amount_paid            INTEGER NOT NULL,
    total                  INTEGER NOT NULL,
    attempt_count          INTEGER NOT NULL,
    created_at             TEXT NOT NULL,
    due_date               TEXT,
    hosted_invoice_url     TEXT,
    invoice_pdf            TEXT,
    -- Counts the writes: a fetch is written only where nobody wrote since it began.
    version                INTEGER NOT NULL,
    stripe_object          TEXT NOT NULL CHECK (json_valid(stripe_object))
) STRICT;
CREATE INDEX invoices_tenant ON invoices (tenant_id, created_at, id);

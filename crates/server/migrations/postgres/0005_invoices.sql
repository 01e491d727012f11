CREATE TABLE invoices (
    id                     uuid PRIMARY KEY,
    tenant_id              uuid NOT NULL REFERENCES tenants (id),
    stripe_invoice_id      text NOT NULL UNIQUE,
    stripe_subscription_id text,
    number                 text,
    status                 text NOT NULL CHECK (status IN ('draft', 'open', 'paid', 'uncollectible', 'void')),
    currency               text NOT NULL,
    -- Minor units.
    amount_due             bigint NOT NULL,
    amount_paid            bigint NOT NULL,
    total                  bigint NOT NULL,
    attempt_count          bigint NOT NULL,
    created_at             timestamptz NOT NULL,
    due_date               timestamptz,
    hosted_invoice_url     text,
    invoice_pdf            text,
    -- Counts the writes: a fetch is written only where nobody wrote since it began.
    version                bigint NOT NULL,
    stripe_object          jsonb NOT NULL
);
CREATE INDEX invoices_tenant ON invoices (tenant_id, created_at, id);

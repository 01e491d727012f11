-- Credits that an operator has given. Never changed: what became of them is worked out.
CREATE TABLE credit_grants (
    id          uuid PRIMARY KEY,
    tenant_id   uuid NOT NULL REFERENCES tenants (id),
    whole       bigint NOT NULL,
    trillionths bigint NOT NULL CHECK (trillionths BETWEEN 0 AND 999999999999),
    reason      text NOT NULL,
    granted_by  text NOT NULL,
    granted_at  timestamptz NOT NULL,
    -- Never, where absent.
    expires_at  timestamptz
);
CREATE INDEX credit_grants_tenant ON credit_grants (tenant_id, granted_at, id);

-- What was used of a billing period at a moment, in credits: taken when a period is over, when credits
-- expire, and when the plan changes. Never changed: grants and readings together are the ledger.
CREATE TABLE credit_readings (
    tenant_id    uuid NOT NULL REFERENCES tenants (id),
    -- 1, 2, 3 … for each tenant.
    number       bigint NOT NULL,
    at           timestamptz NOT NULL,
    period_start timestamptz NOT NULL,
    period_end   timestamptz NOT NULL,
    -- What the plans include, and what credits beyond cost.
    terms        jsonb NOT NULL,
    whole        bigint NOT NULL,
    trillionths  bigint NOT NULL CHECK (trillionths BETWEEN 0 AND 999999999999),
    PRIMARY KEY (tenant_id, number)
);

-- When the next reading of a tenant is due; whoever takes it holds the row.
CREATE TABLE credit_accounts (
    tenant_id uuid PRIMARY KEY REFERENCES tenants (id),
    due_at    timestamptz NOT NULL
);
CREATE INDEX credit_accounts_due ON credit_accounts (due_at);

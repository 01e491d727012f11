-- Credits that an operator has given. Never changed: what became of them is worked out.
CREATE TABLE credit_grants (
    id          BLOB PRIMARY KEY,
    tenant_id   BLOB NOT NULL REFERENCES tenants (id),
    whole       INTEGER NOT NULL,
    trillionths INTEGER NOT NULL CHECK (trillionths BETWEEN 0 AND 999999999999),
    reason      TEXT NOT NULL,
    granted_by  TEXT NOT NULL,
    granted_at  TEXT NOT NULL,
    -- Never, where absent.
    expires_at  TEXT
) STRICT;
CREATE INDEX credit_grants_tenant ON credit_grants (tenant_id, granted_at, id);

-- What was used of a billing period at a moment, in credits: taken when a period is over, when credits
-- expire, and when the plan changes. Never changed: grants and readings together are the ledger.
CREATE TABLE credit_readings (
    tenant_id    BLOB NOT NULL REFERENCES tenants (id),
    -- 1, 2, 3 … for each tenant.
    number       INTEGER NOT NULL,
    at           TEXT NOT NULL,
    period_start TEXT NOT NULL,
    period_end   TEXT NOT NULL,
    -- What the plans include, and what credits beyond cost.
    terms        TEXT NOT NULL CHECK (json_valid(terms)),
    whole        INTEGER NOT NULL,
    trillionths  INTEGER NOT NULL CHECK (trillionths BETWEEN 0 AND 999999999999),
    PRIMARY KEY (tenant_id, number)
) STRICT, WITHOUT ROWID;

-- When the next reading of a tenant is due; whoever takes it holds the row.
CREATE TABLE credit_accounts (
    tenant_id BLOB PRIMARY KEY REFERENCES tenants (id),
    due_at    TEXT NOT NULL
) STRICT;
CREATE INDEX credit_accounts_due ON credit_accounts (due_at);

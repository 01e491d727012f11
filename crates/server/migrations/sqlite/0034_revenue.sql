-- What subscriptions come to in a month (MRR), how that came to be, and what is counted from it.
-- Amounts are minor units.
CREATE TABLE recurring_revenue (
    subscription_id BLOB PRIMARY KEY REFERENCES subscriptions (id),
    tenant_id       BLOB NOT NULL REFERENCES tenants (id),
    plan_code       TEXT NOT NULL,
    tier            TEXT NOT NULL,
    status          TEXT NOT NULL,
    currency        TEXT NOT NULL,
    -- Zero while it does not count.
    mrr             INTEGER NOT NULL,
    -- The day of its next renewal (UTC), and what is to be paid then; none where it does not renew.
    renews_on       TEXT,
    renewal_amount  INTEGER NOT NULL
) STRICT;
CREATE INDEX recurring_revenue_sums ON recurring_revenue (currency, tier, status, mrr);
CREATE INDEX recurring_revenue_tenant ON recurring_revenue (tenant_id);
CREATE INDEX recurring_revenue_renews ON recurring_revenue (renews_on, currency, plan_code, renewal_amount)
    WHERE renews_on IS NOT NULL;

-- Each change of revenue, in the transaction of the change. Rows are only added.
CREATE TABLE revenue_facts (
    id              BLOB PRIMARY KEY,
    tenant_id       BLOB NOT NULL REFERENCES tenants (id),
    fact            TEXT NOT NULL,
    plan_code       TEXT NOT NULL,
    currency        TEXT NOT NULL,
    amount          INTEGER NOT NULL,
    -- How many more tenants pay, and subscriptions count.
    tenants         INTEGER NOT NULL,
    subscriptions   INTEGER NOT NULL,
    occurred_at     TEXT NOT NULL,
    -- The first moment of its day and month (UTC).
    day             TEXT NOT NULL,
    month           TEXT NOT NULL,
    -- Of movements of MRR: the month in which the tenant first paid in this currency.
    cohort          TEXT,
    -- Whether the days have it.
    counted         INTEGER NOT NULL CHECK (counted IN (0, 1))
) STRICT;
CREATE INDEX revenue_facts_tenant ON revenue_facts (tenant_id, currency, occurred_at);
CREATE INDEX revenue_facts_uncounted ON revenue_facts (id) WHERE NOT counted;

-- The same, summed up by day.
CREATE TABLE revenue_days (
    day           TEXT NOT NULL,
    month         TEXT NOT NULL,
    currency      TEXT NOT NULL,
    plan_code     TEXT NOT NULL,
    fact          TEXT NOT NULL,
    facts         INTEGER NOT NULL,
    amount        INTEGER NOT NULL,
    tenants       INTEGER NOT NULL,
    subscriptions INTEGER NOT NULL,
    PRIMARY KEY (day, currency, plan_code, fact)
) STRICT, WITHOUT ROWID;

-- And by the month in which tenants first paid.
CREATE TABLE revenue_cohorts (
    currency TEXT NOT NULL,
    cohort   TEXT NOT NULL,
    month    TEXT NOT NULL,
    amount   INTEGER NOT NULL,
    tenants  INTEGER NOT NULL,
    PRIMARY KEY (currency, cohort, month)
) STRICT, WITHOUT ROWID;

-- One row: whoever counts holds it. How far subscriptions were looked at that were there before this table.
CREATE TABLE revenue_counting (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    looked_to  BLOB,
    looked     INTEGER NOT NULL CHECK (looked IN (0, 1))
) STRICT;
INSERT INTO revenue_counting (id, looked_to, looked) VALUES (1, NULL, 0);

-- The lists that an operator pages through, newest first.
CREATE INDEX subscriptions_newest ON subscriptions (started_at, id);
CREATE INDEX subscriptions_status ON subscriptions (status, started_at, id);
CREATE INDEX tenants_customers ON tenants (created_at, id) WHERE stripe_customer_id IS NOT NULL;
CREATE INDEX invoice_payments_newest ON invoice_payments (created_at, stripe_payment_id);

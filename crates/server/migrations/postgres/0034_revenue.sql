-- What subscriptions come to in a month (MRR), how that came to be, and what is counted from it.
-- Amounts are minor units.
CREATE TABLE recurring_revenue (
    subscription_id uuid PRIMARY KEY REFERENCES subscriptions (id),
    tenant_id       uuid NOT NULL REFERENCES tenants (id),
    plan_code       text NOT NULL,
    tier            text NOT NULL,
    status          text NOT NULL,
    currency        text NOT NULL,
    -- Zero while it does not count.
    mrr             bigint NOT NULL,
    -- The day of its next renewal (UTC), and what is to be paid then; none where it does not renew.
    renews_on       timestamptz,
    renewal_amount  bigint NOT NULL
);
CREATE INDEX recurring_revenue_sums ON recurring_revenue (currency, tier, status, mrr);
CREATE INDEX recurring_revenue_tenant ON recurring_revenue (tenant_id);
CREATE INDEX recurring_revenue_renews ON recurring_revenue (renews_on, currency, plan_code, renewal_amount)
    WHERE renews_on IS NOT NULL;

-- Each change of revenue, in the transaction of the change. Rows are only added.
CREATE TABLE revenue_facts (
    id              uuid PRIMARY KEY,
    tenant_id       uuid NOT NULL REFERENCES tenants (id),
    fact            text NOT NULL,
    plan_code       text NOT NULL,
    currency        text NOT NULL,
    amount          bigint NOT NULL,
    -- How many more tenants pay, and subscriptions count.
    tenants         bigint NOT NULL,
    subscriptions   bigint NOT NULL,
    occurred_at     timestamptz NOT NULL,
    -- The first moment of its day and month (UTC).
    day             timestamptz NOT NULL,
    month           timestamptz NOT NULL,
    -- Of movements of MRR: the month in which the tenant first paid in this currency.
    cohort          timestamptz,
    -- Whether the days have it.
    counted         boolean NOT NULL
);
CREATE INDEX revenue_facts_tenant ON revenue_facts (tenant_id, currency, occurred_at);
CREATE INDEX revenue_facts_uncounted ON revenue_facts (id) WHERE NOT counted;

-- The same, summed up by day.
CREATE TABLE revenue_days (
    day           timestamptz NOT NULL,
    month         timestamptz NOT NULL,
    currency      text NOT NULL,
    plan_code     text NOT NULL,
    fact          text NOT NULL,
    facts         bigint NOT NULL,
    amount        bigint NOT NULL,
    tenants       bigint NOT NULL,
    subscriptions bigint NOT NULL,
    PRIMARY KEY (day, currency, plan_code, fact)
);

-- And by the month in which tenants first paid.
CREATE TABLE revenue_cohorts (
    currency text NOT NULL,
    cohort   timestamptz NOT NULL,
    month    timestamptz NOT NULL,
    amount   bigint NOT NULL,
    tenants  bigint NOT NULL,
    PRIMARY KEY (currency, cohort, month)
);

-- One row: whoever counts holds it. How far subscriptions were looked at that were there before this table.
CREATE TABLE revenue_counting (
    id         bigint PRIMARY KEY CHECK (id = 1),
    looked_to  uuid,
    looked     boolean NOT NULL
);
INSERT INTO revenue_counting (id, looked_to, looked) VALUES (1, NULL, FALSE);

-- The lists that an operator pages through, newest first.
CREATE INDEX subscriptions_newest ON subscriptions (started_at, id);
CREATE INDEX subscriptions_status ON subscriptions (status, started_at, id);
CREATE INDEX tenants_customers ON tenants (created_at, id) WHERE stripe_customer_id IS NOT NULL;
CREATE INDEX invoice_payments_newest ON invoice_payments (created_at, stripe_payment_id);

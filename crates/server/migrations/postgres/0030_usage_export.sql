-- What the reports of a meter that is at Stripe come to, per hour, or per part of an hour where a billing period
-- begins in it; and how much of that was put into meter events. Changed in the transaction of the reports.
CREATE TABLE usage_billable (
    tenant_id            uuid NOT NULL,
    meter                text NOT NULL,
    starts_at            timestamptz NOT NULL,
    -- Of meters that add up; of the others the billing period's total is told.
    whole                bigint NOT NULL,
    trillionths          bigint NOT NULL CHECK (trillionths BETWEEN 0 AND 999999999999),
    exported_whole       bigint NOT NULL,
    exported_trillionths bigint NOT NULL CHECK (exported_trillionths BETWEEN 0 AND 999999999999),
    -- The billing period that it counts in.
    period_start         timestamptz NOT NULL,
    -- When Stripe is to be told; none where it was.
    due_at               timestamptz,
    -- Whether it waits for its tenant to have a customer.
    waiting              boolean NOT NULL,
    PRIMARY KEY (tenant_id, meter, starts_at)
) WITH (fillfactor = 70);
CREATE INDEX usage_billable_due ON usage_billable (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX usage_billable_waiting ON usage_billable (tenant_id) WHERE waiting;

-- What a meter at Stripe is told. Written before Stripe is asked, and the same at every repetition.
CREATE TABLE meter_events (
    id                 uuid PRIMARY KEY,
    -- What Stripe knows it by.
    identifier         text NOT NULL UNIQUE,
    tenant_id          uuid NOT NULL REFERENCES tenants (id),
    meter              text NOT NULL,
    -- The billable hour it is of.
    starts_at          timestamptz NOT NULL,
    stripe_customer_id text NOT NULL,
    -- When Stripe is told that it was used: the billing period that it is billed in has this moment.
    told_at            timestamptz NOT NULL,
    -- What is added; of a meter that does not add up, where the billing period stands.
    whole              bigint NOT NULL,
    trillionths        bigint NOT NULL CHECK (trillionths BETWEEN 0 AND 999999999999),
    state              text NOT NULL CHECK (state IN ('pending', 'sent', 'refused', 'unclear')),
    attempts           bigint NOT NULL,
    -- When it is to be sent, or sent again.
    due_at             timestamptz,
    -- Until when nobody else may send it.
    claimed_until      timestamptz,
    -- Since when Stripe may have it without our knowing.
    asked_at           timestamptz,
    sent_at            timestamptz,
    -- When it was last compared with what Stripe's meter comes to.
    compared_at        timestamptz,
    -- Why it is refused, unclear, or not sent yet.
    reason             text,
    created_at         timestamptz NOT NULL
);
CREATE INDEX meter_events_due ON meter_events (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX meter_events_of_tenant ON meter_events (tenant_id, meter, told_at);
CREATE INDEX meter_events_left ON meter_events (state, id) WHERE state <> 'sent';
CREATE INDEX meter_events_uncompared ON meter_events (told_at) WHERE state = 'sent' AND compared_at IS NULL;

-- An invoice in full: its amounts, its times, its lines, and what was paid and given back.
-- Amounts are minor units. What rows of before lack is filled in the next time Stripe tells of them.
ALTER TABLE invoices ADD COLUMN subtotal bigint NOT NULL DEFAULT 0;
ALTER TABLE invoices ADD COLUMN discount bigint NOT NULL DEFAULT 0;
ALTER TABLE invoices ADD COLUMN tax bigint NOT NULL DEFAULT 0;
-- The part of the tax that is within the amounts of the lines.
ALTER TABLE invoices ADD COLUMN tax_included bigint NOT NULL DEFAULT 0;
ALTER TABLE invoices ADD COLUMN balance_applied bigint NOT NULL DEFAULT 0;
ALTER TABLE invoices ADD COLUMN amount_remaining bigint NOT NULL DEFAULT 0;
ALTER TABLE invoices ADD COLUMN credited bigint NOT NULL DEFAULT 0;
ALTER TABLE invoices ADD COLUMN refunded bigint NOT NULL DEFAULT 0;
ALTER TABLE invoices ADD COLUMN billing_reason text;
ALTER TABLE invoices ADD COLUMN period_start timestamptz;
ALTER TABLE invoices ADD COLUMN period_end timestamptz;
ALTER TABLE invoices ADD COLUMN finalized_at timestamptz;
ALTER TABLE invoices ADD COLUMN paid_at timestamptz;
ALTER TABLE invoices ADD COLUMN voided_at timestamptz;
ALTER TABLE invoices ADD COLUMN uncollectible_at timestamptz;
ALTER TABLE invoices ADD COLUMN next_payment_attempt timestamptz;
-- A draft that Stripe has no more.
ALTER TABLE invoices ADD COLUMN deleted_at timestamptz;
UPDATE invoices SET subtotal = (stripe_object ->> 'subtotal')::bigint, amount_remaining = (stripe_object ->> 'amount_remaining')::bigint;

CREATE TABLE invoice_lines (
    invoice_id      uuid NOT NULL REFERENCES invoices (id),
    -- From 0, in the order of the invoice.
    position        bigint NOT NULL,
    stripe_line_id  text NOT NULL,
    description     text NOT NULL,
    -- Before discount, and before tax that is not within it.
    amount          bigint NOT NULL,
    discount        bigint NOT NULL,
    tax             bigint NOT NULL,
    tax_included    bigint NOT NULL,
    -- A decimal.
    quantity        text,
    stripe_price_id text,
    period_start    timestamptz NOT NULL,
    period_end      timestamptz NOT NULL,
    proration       boolean NOT NULL,
    PRIMARY KEY (invoice_id, position)
);

CREATE TABLE invoice_payments (
    invoice_id        uuid NOT NULL REFERENCES invoices (id),
    stripe_payment_id text NOT NULL,
    -- Stripe's words: open, paid, canceled; payment_intent, charge, payment_record.
    status            text NOT NULL,
    kind              text NOT NULL,
    amount_requested  bigint NOT NULL,
    amount_paid       bigint NOT NULL,
    created_at        timestamptz NOT NULL,
    settled_at        timestamptz,
    PRIMARY KEY (invoice_id, stripe_payment_id)
);

CREATE TABLE refunds (
    invoice_id       uuid NOT NULL REFERENCES invoices (id),
    stripe_refund_id text NOT NULL,
    status           text NOT NULL
        CHECK (status IN ('pending', 'requires_action', 'succeeded', 'failed', 'canceled')),
    amount           bigint NOT NULL,
    reason           text,
    created_at       timestamptz NOT NULL,
    PRIMARY KEY (invoice_id, stripe_refund_id)
);

CREATE TABLE credit_notes (
    invoice_id            uuid NOT NULL REFERENCES invoices (id),
    stripe_credit_note_id text NOT NULL,
    number                text NOT NULL,
    status                text NOT NULL CHECK (status IN ('issued', 'void')),
    total                 bigint NOT NULL,
    -- Off what the invoice asked for; the rest was paid before, and is given back.
    before_payment        bigint NOT NULL,
    after_payment         bigint NOT NULL,
    reason                text,
    memo                  text,
    pdf                   text,
    created_at            timestamptz NOT NULL,
    voided_at             timestamptz,
    PRIMARY KEY (invoice_id, stripe_credit_note_id)
);

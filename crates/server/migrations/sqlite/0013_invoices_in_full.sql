-- An invoice in full: its amounts, its times, its lines, and what was paid and given back.
-- Amounts are minor units. What rows of before lack is filled in the next time Stripe tells of them.
ALTER TABLE invoices ADD COLUMN subtotal INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invoices ADD COLUMN discount INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invoices ADD COLUMN tax INTEGER NOT NULL DEFAULT 0;
-- The part of the tax that is within the amounts of the lines.
ALTER TABLE invoices ADD COLUMN tax_included INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invoices ADD COLUMN balance_applied INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invoices ADD COLUMN amount_remaining INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invoices ADD COLUMN credited INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invoices ADD COLUMN refunded INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invoices ADD COLUMN billing_reason TEXT;
ALTER TABLE invoices ADD COLUMN period_start TEXT;
ALTER TABLE invoices ADD COLUMN period_end TEXT;
ALTER TABLE invoices ADD COLUMN finalized_at TEXT;
ALTER TABLE invoices ADD COLUMN paid_at TEXT;
ALTER TABLE invoices ADD COLUMN voided_at TEXT;
ALTER TABLE invoices ADD COLUMN uncollectible_at TEXT;
ALTER TABLE invoices ADD COLUMN next_payment_attempt TEXT;
-- A draft that Stripe has no more.
ALTER TABLE invoices ADD COLUMN deleted_at TEXT;
UPDATE invoices SET subtotal = json_extract(stripe_object, '$.subtotal'), amount_remaining = json_extract(stripe_object, '$.amount_remaining');

CREATE TABLE invoice_lines (
    invoice_id      BLOB NOT NULL REFERENCES invoices (id),
    -- From 0, in the order of the invoice.
    position        INTEGER NOT NULL,
    stripe_line_id  TEXT NOT NULL,
    description     TEXT NOT NULL,
    -- Before discount, and before tax that is not within it.
    amount          INTEGER NOT NULL,
    discount        INTEGER NOT NULL,
    tax             INTEGER NOT NULL,
    tax_included    INTEGER NOT NULL,
    -- A decimal.
    quantity        TEXT,
    stripe_price_id TEXT,
    period_start    TEXT NOT NULL,
    period_end      TEXT NOT NULL,
    proration       INTEGER NOT NULL CHECK (proration IN (0, 1)),
    PRIMARY KEY (invoice_id, position)
) STRICT;

CREATE TABLE invoice_payments (
    invoice_id        BLOB NOT NULL REFERENCES invoices (id),
    stripe_payment_id TEXT NOT NULL,
    -- Stripe's words: open, paid, canceled; payment_intent, charge, payment_record.
    status            TEXT NOT NULL,
    kind              TEXT NOT NULL,
    amount_requested  INTEGER NOT NULL,
    amount_paid       INTEGER NOT NULL,
    created_at        TEXT NOT NULL,
    settled_at        TEXT,
    PRIMARY KEY (invoice_id, stripe_payment_id)
) STRICT;

CREATE TABLE refunds (
    invoice_id       BLOB NOT NULL REFERENCES invoices (id),
    stripe_refund_id TEXT NOT NULL,
    status           TEXT NOT NULL
        CHECK (status IN ('pending', 'requires_action', 'succeeded', 'failed', 'canceled')),
    amount           INTEGER NOT NULL,
    reason           TEXT,
    created_at       TEXT NOT NULL,
    PRIMARY KEY (invoice_id, stripe_refund_id)
) STRICT;

CREATE TABLE credit_notes (
    invoice_id            BLOB NOT NULL REFERENCES invoices (id),
    stripe_credit_note_id TEXT NOT NULL,
    number                TEXT NOT NULL,
    status                TEXT NOT NULL CHECK (status IN ('issued', 'void')),
    total                 INTEGER NOT NULL,
    -- Off what the invoice asked for; the rest was paid before, and is given back.
    before_payment        INTEGER NOT NULL,
    after_payment         INTEGER NOT NULL,
    reason                TEXT,
    memo                  TEXT,
    pdf                   TEXT,
    created_at            TEXT NOT NULL,
    voided_at             TEXT,
    PRIMARY KEY (invoice_id, stripe_credit_note_id)
) STRICT;

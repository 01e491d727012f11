-- A payment of an invoice that the customer's bank takes back, or asks about first.
CREATE TABLE disputes (
    invoice_id        BLOB NOT NULL REFERENCES invoices (id),
    stripe_dispute_id TEXT NOT NULL,
    status            TEXT NOT NULL CHECK (status IN (
        'warning_needs_response', 'warning_under_review', 'warning_closed', 'needs_response',
        'under_review', 'won', 'lost', 'prevented')),
    -- Stripe's word.
    reason            TEXT NOT NULL,
    -- Minor units of the invoice's currency.
    amount            INTEGER NOT NULL,
    -- Whether the money is with the bank.
    withdrawn         INTEGER NOT NULL CHECK (withdrawn IN (0, 1)),
    evidence_due      TEXT,
    created_at        TEXT NOT NULL,
    PRIMARY KEY (invoice_id, stripe_dispute_id)
) STRICT;
CREATE INDEX disputes_stripe_id ON disputes (stripe_dispute_id);

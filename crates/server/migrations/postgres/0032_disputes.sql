-- A payment of an invoice that the customer's bank takes back, or asks about first.
CREATE TABLE disputes (
    invoice_id        uuid NOT NULL REFERENCES invoices (id),
    stripe_dispute_id text NOT NULL,
    status            text NOT NULL CHECK (status IN (
        'warning_needs_response', 'warning_under_review', 'warning_closed', 'needs_response',
        'under_review', 'won', 'lost', 'prevented')),
    -- Stripe's word.
    reason            text NOT NULL,
    -- Minor units of the invoice's currency.
    amount            bigint NOT NULL,
    -- Whether the money is with the bank.
    withdrawn         boolean NOT NULL,
    evidence_due      timestamptz,
    created_at        timestamptz NOT NULL,
    PRIMARY KEY (invoice_id, stripe_dispute_id)
);
CREATE INDEX disputes_stripe_id ON disputes (stripe_dispute_id);

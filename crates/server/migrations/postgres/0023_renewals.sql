-- Until when what a subscription is charged to is good; none where there is nothing. Filled as Stripe is asked
-- about it again, at the latest by the daily comparison.
ALTER TABLE subscriptions ADD COLUMN payment_good_until timestamptz;
-- What comes next of one that lives: its end, or its renewal.
CREATE INDEX subscriptions_next ON subscriptions (
    (CASE WHEN cancel_at <= period_end THEN cancel_at ELSE period_end END), id
) WHERE status IN ('trialing', 'active', 'past_due');
-- Which invoices a summary is about.
CREATE INDEX invoices_finalized ON invoices (finalized_at) WHERE finalized_at IS NOT NULL;

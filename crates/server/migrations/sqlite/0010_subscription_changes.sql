-- What follows of a subscription: a change that waits, and the base that an add-on follows.
ALTER TABLE subscriptions ADD COLUMN stripe_schedule_id TEXT;
-- The change that waits for the end of the period, from Stripe's schedule.
ALTER TABLE subscriptions ADD COLUMN pending TEXT CHECK (pending IS NULL OR json_valid(pending));
-- The base subscription of an add-on.
ALTER TABLE subscriptions ADD COLUMN parent_id BLOB REFERENCES subscriptions (id);
-- When it is to be looked at whether an add-on follows its base; none where it does.
ALTER TABLE subscriptions ADD COLUMN follow_at TEXT;
ALTER TABLE subscriptions ADD COLUMN follow_attempts INTEGER NOT NULL DEFAULT 0;
-- The end of trial that a reminder was told of, and the grace whose end was told.
ALTER TABLE subscriptions ADD COLUMN reminded_of_trial_end TEXT;
ALTER TABLE subscriptions ADD COLUMN told_end_of_grace TEXT;
CREATE INDEX subscriptions_follow ON subscriptions (follow_at) WHERE follow_at IS NOT NULL;
CREATE INDEX subscriptions_trialing ON subscriptions (trial_end) WHERE status = 'trialing';
CREATE INDEX subscriptions_past_due ON subscriptions (grace_started_at) WHERE status = 'past_due';

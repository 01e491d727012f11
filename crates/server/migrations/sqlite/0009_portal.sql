-- What the portal lets a customer do, made once in Stripe for each catalog.
CREATE TABLE portal_configurations (
    -- Of the features; another catalog is another configuration.
    fingerprint             TEXT PRIMARY KEY,
    stripe_configuration_id TEXT NOT NULL,
    created_at              TEXT NOT NULL
) STRICT;

-- The items of subscriptions: by Stripe's id of one, usage is reported.
CREATE TABLE subscription_items (
    stripe_item_id  text PRIMARY KEY,
    subscription_id uuid NOT NULL REFERENCES subscriptions (id),
    -- What its price counts; none where it is paid in advance.
    meter           text
);
CREATE INDEX subscription_items_subscription ON subscription_items (subscription_id);

INSERT INTO subscription_items (stripe_item_id, subscription_id, meter)
SELECT item ->> 'id', subscriptions.id, prices.definition ->> 'meter'
FROM subscriptions
CROSS JOIN jsonb_array_elements(subscriptions.stripe_object -> 'items' -> 'data') AS item
JOIN prices ON prices.stripe_price_id = item -> 'price' ->> 'id';

-- The items of subscriptions: by Stripe's id of one, usage is reported.
CREATE TABLE subscription_items (
    stripe_item_id  TEXT PRIMARY KEY,
    subscription_id BLOB NOT NULL REFERENCES subscriptions (id),
    -- What its price counts; none where it is paid in advance.
    meter           TEXT
) STRICT;
CREATE INDEX subscription_items_subscription ON subscription_items (subscription_id);

INSERT INTO subscription_items (stripe_item_id, subscription_id, meter)
SELECT item.value ->> '$.id', subscriptions.id, prices.definition ->> '$.meter'
FROM subscriptions
CROSS JOIN json_each(subscriptions.stripe_object, '$.items.data') AS item
JOIN prices ON prices.stripe_price_id = item.value ->> '$.price.id';

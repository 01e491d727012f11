-- Our picture of Stripe's coupons and promotion codes, made here or there.
CREATE TABLE coupons (
    -- Stripe's.
    id            TEXT PRIMARY KEY,
    -- Whether Stripe has it no more; discounts that came of it stay.
    deleted       INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    created_at    TEXT NOT NULL,
    -- Counts the writes: a fetch is written only where nobody wrote since it began.
    version       INTEGER NOT NULL,
    stripe_object TEXT NOT NULL CHECK (json_valid(stripe_object)),
    updated_at    TEXT NOT NULL
) STRICT;
CREATE INDEX coupons_newest ON coupons (created_at, id);

CREATE TABLE promotion_codes (
    -- Stripe's.
    id            TEXT PRIMARY KEY,
    -- In small letters: nobody minds how they are typed.
    code          TEXT NOT NULL,
    coupon_id     TEXT NOT NULL,
    created_at    TEXT NOT NULL,
    version       INTEGER NOT NULL,
    stripe_object TEXT NOT NULL CHECK (json_valid(stripe_object)),
    updated_at    TEXT NOT NULL
) STRICT;
CREATE INDEX promotion_codes_newest ON promotion_codes (created_at, id);
CREATE INDEX promotion_codes_code ON promotion_codes (code);

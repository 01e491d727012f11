-- Our picture of Stripe's coupons and promotion codes, made here or there.
CREATE TABLE coupons (
    -- Stripe's.
    id            text PRIMARY KEY,
    -- Whether Stripe has it no more; discounts that came of it stay.
    deleted       boolean NOT NULL,
    created_at    timestamptz NOT NULL,
    -- Counts the writes: a fetch is written only where nobody wrote since it began.
    version       bigint NOT NULL,
    stripe_object jsonb NOT NULL,
    updated_at    timestamptz NOT NULL
);
CREATE INDEX coupons_newest ON coupons (created_at, id);

CREATE TABLE promotion_codes (
    -- Stripe's.
    id            text PRIMARY KEY,
    -- In small letters: nobody minds how they are typed.
    code          text NOT NULL,
    coupon_id     text NOT NULL,
    created_at    timestamptz NOT NULL,
    version       bigint NOT NULL,
    stripe_object jsonb NOT NULL,
    updated_at    timestamptz NOT NULL
);
CREATE INDEX promotion_codes_newest ON promotion_codes (created_at, id);
CREATE INDEX promotion_codes_code ON promotion_codes (code);

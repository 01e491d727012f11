-- What an operator says of a tenant, how it came to stand as it does, and what Stripe is still to be told.
ALTER TABLE tenants ADD COLUMN phone TEXT;
-- Why and since when it stands as it does. Of a terminated one: when its retention began.
ALTER TABLE tenants ADD COLUMN status_reason TEXT;
ALTER TABLE tenants ADD COLUMN status_since TEXT;
-- How its people sign in at the application: OIDC or SAML, as the operator gave it.
ALTER TABLE tenants ADD COLUMN sso TEXT CHECK (sso IS NULL OR json_valid(sso));
-- Features and limits that are its own, whatever its plan says.
ALTER TABLE tenants ADD COLUMN overrides TEXT CHECK (overrides IS NULL OR json_valid(overrides));
-- How long what is personal is kept, where that is its own.
ALTER TABLE tenants ADD COLUMN retention TEXT CHECK (retention IS NULL OR json_valid(retention));
-- The plan it was created with, and whether that was begun.
ALTER TABLE tenants ADD COLUMN opening TEXT CHECK (opening IS NULL OR json_valid(opening));
ALTER TABLE tenants ADD COLUMN opened INTEGER NOT NULL DEFAULT 0 CHECK (opened IN (0, 1));
-- Name and addresses in small letters, for those who look for it.
ALTER TABLE tenants ADD COLUMN search_text TEXT NOT NULL DEFAULT '';
UPDATE tenants SET search_text = lower(name || ' ' || contact_email || ' ' || coalesce(billing_email, ''));
-- When Stripe is next to be made to follow; none where it does. How often that was asked for, and tried.
ALTER TABLE tenants ADD COLUMN settle_at TEXT;
ALTER TABLE tenants ADD COLUMN settle_asked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tenants ADD COLUMN settle_attempts INTEGER NOT NULL DEFAULT 0;
-- Until when one instance has it in hand.
ALTER TABLE tenants ADD COLUMN settle_claimed_until TEXT;
CREATE INDEX tenants_settle ON tenants (settle_at) WHERE settle_at IS NOT NULL;

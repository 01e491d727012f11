-- When what is personal of a tenant went. Nothing that Stripe says of it later is written with it.
ALTER TABLE tenants ADD COLUMN personal_data_erased_at timestamptz;
-- When the body and the headers of a delivery went.
ALTER TABLE deliveries ADD COLUMN emptied_at timestamptz;

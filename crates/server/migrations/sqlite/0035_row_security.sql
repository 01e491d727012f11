-- Policies are Postgres': SQLite has one user, and the wall between tenants stands in the program alone.
SELECT 1;

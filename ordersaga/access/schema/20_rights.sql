-- The API looks tokens up and cannot make one; what it refused it can only add. Making and revoking
-- tokens is for the owner.

GRANT USAGE ON SCHEMA access TO :"reader", :"api";

GRANT SELECT ON access.tokens TO :"api";

GRANT SELECT, INSERT, UPDATE, DELETE ON access.requests TO :"api";

GRANT SELECT ON access.refusals TO :"reader", :"api";

GRANT INSERT ON access.refusals TO :"api";

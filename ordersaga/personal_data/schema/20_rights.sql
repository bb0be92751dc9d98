-- Whoever reads and writes personal data finds and claims keys. To retire, destroy or wrap them anew
-- is for the owner. Others only learn which master keys are in use.

GRANT USAGE ON SCHEMA personal_data TO :"appender", :"projector", :"reader", :"api";

GRANT SELECT ON personal_data.data_keys TO :"appender", :"api";

GRANT EXECUTE ON FUNCTION personal_data.claim_keys TO :"appender", :"api";

GRANT EXECUTE ON FUNCTION personal_data.master_keys_in_use
TO :"appender", :"projector", :"reader", :"api";

-- Workers write how they see providers. Everybody else reads.

GRANT USAGE ON SCHEMA incidents TO :"appender", :"projector", :"reader", :"api";

GRANT SELECT ON incidents.incidents, incidents.reports
TO :"appender", :"projector", :"reader", :"api";

GRANT INSERT, UPDATE, DELETE ON incidents.incidents, incidents.reports TO :"appender";

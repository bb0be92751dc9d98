-- The watchdog, a loop of the starter, writes what it sees. Everybody else reads.

GRANT USAGE ON SCHEMA watchdog TO :"appender", :"projector", :"reader", :"api";

GRANT SELECT ON watchdog.findings, watchdog.watch
TO :"appender", :"projector", :"reader", :"api";

GRANT INSERT, UPDATE, DELETE ON watchdog.findings, watchdog.watch TO :"appender";

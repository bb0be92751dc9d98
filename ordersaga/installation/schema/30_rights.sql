-- Programs read which installation this is. Only a login that migrates may change it.

GRANT SELECT ON installation.identities TO :"appender", :"projector", :"reader", :"api";

-- Each session of a program begins by entering the present history.
GRANT SELECT ON installation.histories TO :"appender", :"projector", :"reader", :"api";

GRANT EXECUTE ON FUNCTION installation.enter TO :"appender", :"projector", :"reader", :"api";

-- Programs read which installation this is. Only a login that migrates may change it.

GRANT SELECT ON installation.identities TO :"appender", :"projector", :"reader", :"api";

-- One change at a time, so that each one names the id that it replaces.
LOCK TABLE installation.identities IN SHARE ROW EXCLUSIVE MODE

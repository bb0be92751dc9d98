-- Let another watchdog look at once.
UPDATE watchdog.watch SET held_until = now() WHERE holder = $1

-- Note that a look has ended; no row if another watchdog looks by now.
UPDATE watchdog.watch
SET looked_at = now(), remark = $2
WHERE holder = $1 AND held_until > now()
RETURNING looked_at

-- Become or stay the watchdog that looks; no row if another one is.
INSERT INTO watchdog.watch AS watch (holder, held_until)
VALUES ($1, now() + $2::interval)
ON CONFLICT (only_one) DO UPDATE
SET holder = excluded.holder, held_until = excluded.held_until
WHERE watch.holder = excluded.holder OR watch.held_until < now()
RETURNING holder

-- When a look last ended, its age, and what that look could not rely on.
SELECT looked_at, EXTRACT(epoch FROM now() - looked_at)::float8 AS age_s, remark
FROM watchdog.watch

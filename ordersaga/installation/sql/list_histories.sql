-- All histories, the first one first.
SELECT number, place, known_up_to, begins_at, known_until, act, actor, reason, at, examined_at,
    examined_by, lost
FROM installation.histories ORDER BY number

-- All histories, after a new one has begun if the database goes on elsewhere.
SELECT number, place, known_up_to, begins_at, known_until, act, actor, reason, at, examined_at,
    examined_by, lost
FROM installation.enter()

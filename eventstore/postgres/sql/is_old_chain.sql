-- Whether a version before 0.1.0 created this database; run only if the table exists.
SELECT EXISTS (SELECT FROM public.applied_migrations WHERE name LIKE 'eventstore/%');

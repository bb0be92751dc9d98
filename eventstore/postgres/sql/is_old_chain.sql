-- Whether versions before 0.1.0 noted their migrations here; asked only if the table is there.
SELECT EXISTS (SELECT FROM public.applied_migrations WHERE name LIKE 'eventstore/%');

-- A migration was applied.
INSERT INTO public.applied_migrations (name) VALUES ($1);

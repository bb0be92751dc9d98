-- When the books were last compared.
SELECT provider, compared_at, differences FROM books.comparison

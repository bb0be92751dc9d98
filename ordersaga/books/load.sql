-- When the books were last compared.
SELECT provider, compared_at, found FROM books.comparison

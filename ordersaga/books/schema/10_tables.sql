-- What the last verification found about money: observations, not events. Each one replaces them.
CREATE SCHEMA books;

-- One row: when our books were last compared with a provider's, and how many orders differed.
CREATE TABLE books.comparison (
    only_one boolean NOT NULL DEFAULT true,
    provider text NOT NULL,
    compared_at timestamptz NOT NULL,
    differences integer NOT NULL,
    CONSTRAINT comparison_pkey PRIMARY KEY (only_one),
    CONSTRAINT comparison_is_one_row CHECK (only_one)
);

-- The orders whose money differs, in each currency. `day` is that of the order's last movement of
-- money in our books (UTC), null if there is none. Amounts are what is kept, in minor units.
CREATE TABLE books.differences (
    id bigint GENERATED ALWAYS AS IDENTITY,
    provider text NOT NULL,
    day date,
    order_id text NOT NULL,
    currency text,
    ours_minor bigint NOT NULL,
    theirs_minor bigint NOT NULL,
    rule text NOT NULL,
    expected text NOT NULL,
    actual text NOT NULL,
    CONSTRAINT differences_pkey PRIMARY KEY (id)
);

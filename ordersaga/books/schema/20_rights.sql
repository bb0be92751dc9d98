-- Operators verify, as the owner. Finance and reports read.

GRANT USAGE ON SCHEMA books TO :"reader", :"api";

GRANT SELECT ON books.comparison, books.differences TO :"reader", :"api";

-- A value of the account.
SELECT value FROM facts WHERE name = :name

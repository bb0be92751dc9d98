-- Put a changed payment or label in the place of the old one.
UPDATE records SET body = :body WHERE reference = :reference

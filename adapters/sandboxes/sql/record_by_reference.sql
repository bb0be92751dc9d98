-- One payment or label by its reference.
SELECT body FROM records WHERE reference = :reference

"""How our books and those of the payment provider differ, as the last verification found."""

"""After the database went back to an earlier moment: finds who knows more, and starts it again."""

"""The inbox: everything that waits for a person, or will change by itself soon."""

"""Incidents of providers: one for each time that one fails, whatever the number of orders."""

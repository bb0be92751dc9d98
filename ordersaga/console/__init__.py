"""The console: pages for operators, support and finance, on the code of the API."""

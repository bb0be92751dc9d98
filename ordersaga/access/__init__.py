"""Who may use the HTTP API: tokens, roles and scopes; which requests were made, which refused."""

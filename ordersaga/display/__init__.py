"""Tables and texts for a terminal, shared by the command line and the demonstration."""

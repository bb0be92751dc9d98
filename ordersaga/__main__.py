"""`python -m ordersaga` is the command line."""

from ordersaga.cli.main import main

main()

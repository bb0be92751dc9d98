"""The command line of ordersaga, whose stacks run on a cluster if the switch says so."""

from ordersaga.cli.main import main
from tests.support.cluster.switch import obey

if __name__ == "__main__":
    obey()
    main()

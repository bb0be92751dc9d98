"""Run many `ordersaga` commands in one process: a list of them as JSON in, their ends as JSON out.

What `ordersaga.cli.output.run_to_completion` does at the end of the program is done here after each
command; everything else is the program itself.
"""

import json
import sys

from typer.testing import CliRunner, Result

from ordersaga.cli.failures import explain
from ordersaga.cli.main import app


def end_of(result: Result) -> dict[str, object]:
    error = result.exception
    if error is None or isinstance(error, SystemExit):
        return {"code": result.exit_code, "out": result.stdout, "err": result.stderr}
    failure = explain(error)
    err = f"{result.stderr}error: {failure.message}\n"
    return {"code": failure.code, "out": result.stdout, "err": err}


runner = CliRunner()
ends = [end_of(runner.invoke(app, command)) for command in json.load(sys.stdin)]
sys.stdout.write(json.dumps(ends))

"""Runs the store's tests on other versions of PostgreSQL: of the wheels and of the system.

`make test` uses the newest version. The feed rests on how the server shows locks and takes
snapshots, so its tests and the store's contract run on the oldest version that can be found too:
among the wheels in the environment that is named on the command line, and Debian's packages below
/usr/lib/postgresql. With `--all` every test of the store runs, on every version.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONTRACT = sorted(map(str, ROOT.glob("tests/contract/test_event_store_*.py")))
SHORT = (
    *CONTRACT,
    "tests/integration/eventstore/reading",
    "tests/integration/eventstore/test_migrations.py",
)
ALL = (
    *CONTRACT,
    "tests/integration/eventstore",
    "tests/integration/projections/test_exactly_once.py",
)
OLDEST, NEWEST = 15, 18


def main(environment: Path, *, everything: bool) -> int:
    """Test the oldest, or each; the exit code is that of the first that failed."""
    servers = found(environment)
    print("PostgreSQL here:", ", ".join(map(str, sorted(servers))) or "none but the usual one")
    missing = sorted(set(range(OLDEST, NEWEST)) - servers.keys())
    if missing:
        print("not here, so not tested:", ", ".join(map(str, missing)))
    for version, programs in sorted(servers.items())[: None if everything else 1]:
        print(f"\n== PostgreSQL {version}", flush=True)
        if code := run_tests(programs, ALL if everything else SHORT):
            return code
    return 0 if servers else 1


def found(environment: Path) -> dict[int, Path]:
    """Folders with a server's programs, by major version; the wheel of `make test` is left out."""
    places = [
        *environment.glob("lib/python*/site-packages/*/pginstall*/bin"),
        *Path("/usr/lib/postgresql").glob("*/bin"),
    ]
    versions = {version_of(place): place.resolve() for place in places}
    return {number: place for number, place in versions.items() if OLDEST <= number < NEWEST}


def version_of(programs: Path) -> int:
    """The major version of the server in a folder; 0 if there is none that runs."""
    asked = [str(programs / "postgres"), "--version"]
    try:
        answer = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0
    return int(answer.split()[2].partition(".")[0])


def run_tests(programs: Path, tests: tuple[str, ...]) -> int:
    """Run the tests on a server; returns pytest's exit code."""
    chosen = "servers and not system and not long"
    options = ("-q", "-m", chosen, "-n", "auto", "--dist", "loadfile")
    command = [sys.executable, "-m", "pytest", *options, *tests]
    environment = {**os.environ, "ORDERSAGA_TEST_POSTGRES": str(programs)}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), everything="--all" in sys.argv))

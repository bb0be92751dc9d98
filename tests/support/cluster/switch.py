"""Runs the tests' stacks on a Temporal cluster on PostgreSQL instead of the embedded server.

    ORDERSAGA_TEST_TEMPORAL=cluster pytest tests/acceptance

The programs of the cluster must have been built; see `programs`. Tests with time skipping stay on
the embedded server: a cluster's clock is everybody's.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ordersaga.embedded import layout
from tests.support.cluster.programs import VERSION, folder_of
from tests.support.repository.source_tree import ROOT

VARIABLE: Final = "ORDERSAGA_TEST_TEMPORAL"
"""Environment variable: `cluster`, or `cluster:VERSION`."""

_CLUSTER: Final = "cluster"
_PROGRAM: Final = Path(__file__).with_name("temporal.sh")


def choose(version: str = VERSION) -> None:
    """Have this process and its children run stacks on a cluster."""
    os.environ[VARIABLE] = f"{_CLUSTER}:{version}"
    obey()


def is_chosen() -> bool:
    """Whether stacks run on a cluster."""
    return os.environ.get(VARIABLE, "").partition(":")[0] == _CLUSTER


def chosen_version() -> str:
    """The version of the cluster."""
    return os.environ.get(VARIABLE, "").partition(":")[2] or VERSION


def command_line(env: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
    """The module that is the command line of a stack, and its environment."""
    if not is_chosen():
        return "ordersaga", env
    paths = [str(ROOT), *filter(None, [env.get("PYTHONPATH")])]
    own = {VARIABLE: os.environ[VARIABLE], "PYTHONPATH": os.pathsep.join(paths)}
    return "tests.support.cluster.up", {**env, **own}


def obey() -> None:
    """Have stacks that this process starts run on a cluster, if that is wanted.

    Raises:
        FileNotFoundError: its programs are not built.
    """
    if not is_chosen():
        return
    if not folder_of(chosen_version()).exists():
        raise FileNotFoundError(f"no Temporal {chosen_version()}: make temporal-programs")
    layout.temporal_program = lambda: str(_PROGRAM)

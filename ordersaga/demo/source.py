"""Chooses the file of real orders for the demonstration."""

from pathlib import Path
from typing import Final

from ordersaga.errors import Refused

_REPOSITORY: Final = Path(__file__).parents[2]
SHARED_SAMPLE: Final = (
    _REPOSITORY.parent / "shared" / "data" / "online-retail" / "online-retail-sample.csv.gz"
)
SHIPPED_SAMPLE: Final = _REPOSITORY / "samples" / "online-retail.csv.gz"
CREDIT: Final = (
    'real orders: Daqing Chen, "Online Retail", UCI Machine Learning Repository, 2015, CC BY 4.0'
)


def choose_file(requested: Path | None) -> Path:
    """The requested file, or the first sample that exists.

    Raises:
        Refused: no file was requested and there is no sample beside this installation.
    """
    if requested is not None:
        return requested
    for sample in (SHARED_SAMPLE, SHIPPED_SAMPLE):
        if sample.is_file():
            return sample
    raise Refused("there is no sample of orders here: give a file with --file")

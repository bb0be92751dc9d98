"""Which file of real orders the demonstration reads."""

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


def choose_file(wanted: Path | None) -> Path:
    """The file that was asked for, or the first sample that is there.

    Raises:
        Refused: nothing was asked for and there is no sample beside this installation.
    """
    if wanted is not None:
        return wanted
    for sample in (SHARED_SAMPLE, SHIPPED_SAMPLE):
        if sample.is_file():
            return sample
    raise Refused("there is no sample of orders here: name a file with --file")

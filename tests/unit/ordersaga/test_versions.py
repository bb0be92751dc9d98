"""The settings of worker versioning, and what a worker makes of them."""

import pytest
from temporalio.common import VersioningBehavior

from ordersaga.bootstrap.settings import load_settings
from ordersaga.daemons.workers import version_of
from ordersaga.errors import WrongSetting


def test_versioning_is_off_unless_it_is_asked_for() -> None:
    assert version_of(load_settings(build_id="b1")) is None


@pytest.mark.parametrize(
    ("versioning", "behavior"),
    [("pinned", VersioningBehavior.PINNED), ("auto_upgrade", VersioningBehavior.AUTO_UPGRADE)],
)
def test_a_worker_tells_its_deployment_build_and_behaviour(
    versioning: str, behavior: VersioningBehavior
) -> None:
    version = version_of(load_settings(worker_versioning=versioning, build_id="b1"))
    assert version is not None
    config = version.config()
    assert (config.version.deployment_name, config.version.build_id) == ("ordersaga", "b1")
    assert config.use_worker_versioning
    assert config.default_versioning_behavior is behavior


def test_versioning_without_a_build_id_is_refused() -> None:
    with pytest.raises(WrongSetting, match="ORDERSAGA_BUILD_ID"):
        load_settings(worker_versioning="pinned")


@pytest.mark.parametrize("build_id", ["", "a b", ".hidden", "x" * 200])
def test_a_build_id_that_temporal_would_refuse_is_refused_here(build_id: str) -> None:
    with pytest.raises(WrongSetting, match="ORDERSAGA_BUILD_ID"):
        load_settings(worker_versioning="pinned", build_id=build_id)

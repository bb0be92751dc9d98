"""Recorded histories of every shipped version of the saga replay with today's code."""

import json
from pathlib import Path

import pytest

from tests.support.changed_saga import ChangedSaga
from tests.support.record_histories import FOLDER, PATHS
from workers import replay as replaying
from workers.replay import replay

HISTORIES = sorted(FOLDER.glob("*.json"))


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_a_recorded_history_replays(path: Path) -> None:
    assert await replay([path]) == {}


def test_every_way_of_a_saga_is_recorded() -> None:
    recorded = {path.name.partition(".")[0].removeprefix("order-") for path in HISTORIES}
    assert recorded == set(PATHS)


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_the_control_a_saga_changed_without_a_patch_replays_no_history(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "OrderFulfillment", ChangedSaga)
    problems = await replay([path])
    assert "Nondeterminism" in problems[path]


async def test_the_control_a_history_of_another_course_does_not_replay(tmp_path: Path) -> None:
    history = json.loads((FOLDER / "order-happy.v1.json").read_text())
    for event in history["events"]:
        scheduled = event.get("activityTaskScheduledEventAttributes")
        if scheduled and scheduled["activityId"] == "process-payment":
            scheduled["activityId"] = "charge-twice"
    changed = tmp_path / "order-happy.changed.json"
    changed.write_text(json.dumps(history))
    problems = await replay([changed])
    assert "Nondeterminism" in problems[changed]

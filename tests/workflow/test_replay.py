"""Recorded histories of the workflows replay with today's code."""

import json
from pathlib import Path

import pytest

from tests.support.sagas.changed_saga import ChangedSaga
from tests.support.sagas.record_histories import FOLDER, PATHS, VERSION
from tests.support.sagas.record_job_histories import JOB_PATHS
from tests.support.sagas.record_later_histories import LATER_PATHS
from workers import replay as replaying
from workers.replay import replay

HISTORIES = sorted(FOLDER.glob("*.json"))
SAGAS = [path for path in HISTORIES if path.name.startswith("order-")]
JOBS = [path for path in HISTORIES if path.name.startswith("job-")]
LATER = [path for path in HISTORIES if path not in (*SAGAS, *JOBS)]


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_a_recorded_history_replays(path: Path) -> None:
    assert await replay([path]) == {}


def test_every_way_of_a_saga_is_recorded() -> None:
    recorded = {path.name.partition(".")[0].removeprefix("order-") for path in SAGAS}
    assert recorded == set(PATHS)


def test_every_way_of_a_parcel_and_a_return_is_recorded() -> None:
    recorded = {path.name.partition(".")[0].partition("-")[2] for path in LATER}
    assert {name.removesuffix("-R1").removesuffix("-lost") for name in recorded} == set(LATER_PATHS)


def test_every_way_of_a_job_is_recorded() -> None:
    recorded = {path.name.partition(".")[0].removeprefix("job-") for path in JOBS}
    assert recorded == set(JOB_PATHS)


def with_another_first_activity(path: Path, folder: Path) -> Path:
    history = json.loads(path.read_text())
    first = next(
        event["activityTaskScheduledEventAttributes"]
        for event in history["events"]
        if "activityTaskScheduledEventAttributes" in event
    )
    first["activityId"] = "something-else"
    changed = folder / path.name
    changed.write_text(json.dumps(history))
    return changed


@pytest.mark.parametrize("path", [*LATER, *JOBS], ids=lambda path: path.stem)
async def test_the_control_another_first_activity_does_not_replay(
    path: Path, tmp_path: Path
) -> None:
    changed = with_another_first_activity(path, tmp_path)
    assert "Nondeterminism" in (await replay([changed]))[changed]


@pytest.mark.parametrize("path", SAGAS, ids=lambda path: path.stem)
async def test_the_control_a_saga_changed_without_a_patch_replays_no_history(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "WORKFLOWS", (ChangedSaga, *replaying.WORKFLOWS[1:]))
    problems = await replay([path])
    assert "Nondeterminism" in problems[path]


async def test_the_control_a_history_of_another_course_does_not_replay(tmp_path: Path) -> None:
    history = json.loads((FOLDER / f"order-happy.{VERSION}.json").read_text())
    for event in history["events"]:
        scheduled = event.get("activityTaskScheduledEventAttributes")
        if scheduled and scheduled["activityId"] == "process-payment":
            scheduled["activityId"] = "charge-twice"
    changed = tmp_path / "order-happy.changed.json"
    changed.write_text(json.dumps(history))
    problems = await replay([changed])
    assert "Nondeterminism" in problems[changed]

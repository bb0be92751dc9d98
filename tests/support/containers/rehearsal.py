"""The whole Compose file, running: what it does while its containers are killed and replaced."""

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ordersaga.demo import mix
from ordersaga.demo.source import SHIPPED_SAMPLE
from ordersaga.importing.plan import PlannedOrder, Request, demand, read_plan
from tests.support.containers.confinement import excesses
from tests.support.containers.customers import Api, Customers
from tests.support.containers.images import Images, Say, made_images, make_base, pulled_images
from tests.support.containers.podman import Podman
from tests.support.containers.project import KILLED, Project, lasting, wait_until
from tests.support.repository.compose import ours, services
from workflows.documents.order import document_to_json

BASE_MADE: Final = "base image"
_ENDED: Final = ("completed", "cancelled")
_ENDED_WITHIN_S: Final = 300.0


@dataclass(frozen=True)
class Course:
    """What a rehearsal does.

    Attributes:
        orders: real ones; half are imported, half come through the API meanwhile.
        killed, replaced: services.
        pause_s: seconds between two orders at the API.
        temporal_server: a folder with Temporal's server; see `made_images`.
    """

    orders: int = 200
    killed: Sequence[str] = tuple(lasting())
    replaced: Sequence[str] = tuple(lasting())
    pause_s: float = 2.5
    temporal_server: Path | None = None


@dataclass
class Result:
    """What was seen.

    Attributes:
        images: what the containers were made of, in words.
        figures: as they are kept.
        problems: what was not as it should be.
    """

    images: str = "images of the registry"
    figures: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def rehearse(name: str, folder: Path, course: Course, say: Say) -> Result:
    """Make the images, start the whole file, go through the course, stop and remove everything.

    Args:
        name: of the Compose project.
        folder: for everything that is written; it may go afterwards.
        course: what is done.
        say: called with a line about each step.

    Raises:
        RuntimeError: it cannot go on.
    """
    podman = Podman(folder)
    result = Result()
    images = pulled_images(podman, say)
    if images is None:
        with timed(result, BASE_MADE):
            make_base(podman, folder, say)
        with timed(result, "images"):
            images = made_images(podman, folder, course.temporal_server, say)
        server = course.temporal_server
        result.images = f"stand-ins, {f'server {server.name}' if server else 'development server'}"
    project = Project(podman, name, folder, images)
    with podman.serving(project.filter):
        say(f"starting {len(services())} services")
        began = time.monotonic()
        with project.running():
            result.figures["seconds"]["start"] = round(time.monotonic() - began, 1)
            _Rehearsal(project, course, images, say, result).run()
    return result


@contextmanager
def timed(result: Result, stage: str) -> Iterator[None]:
    """Keep how many seconds a stage takes."""
    began = time.monotonic()
    yield
    seconds = result.figures.setdefault("seconds", {})
    seconds[stage] = round(time.monotonic() - began, 1)


class _Rehearsal:
    def __init__(
        self, project: Project, course: Course, images: Images, say: Say, result: Result
    ) -> None:
        self._project = project
        self._images = images
        self._course = course
        self._say = say
        self._result = result

    def run(self) -> None:
        """The course, from healthy containers to stopped ones."""
        with timed(self._result, "looked at"):
            self._are_well()
            self._are_confined()
            api = self._api()
        with timed(self._result, "ordered"):
            customers = self._open_shop(api)
        with timed(self._result, "killed"):
            self._kill()
        with timed(self._result, "replaced"):
            self._replace()
        with timed(self._result, "all ended"):
            customers.finish()
            self._wait_for_orders()
        self._result.figures["requests repeated"] = customers.repeated
        with timed(self._result, "asked"):
            self._ask(api)
        with timed(self._result, "stopped"):
            self._stop()

    def _problem(self, what: str) -> None:
        self._say(f"PROBLEM: {what}")
        self._result.problems.append(what)

    def _are_well(self) -> None:
        for name in self._project.ill():
            self._problem(f"{name} is not well after its start")
        self._say(f"{len(lasting())} containers are healthy")

    def _are_confined(self) -> None:
        for name, container in self._project.containers().items():
            if name in lasting():
                for excess in excesses(container, services()[name]):
                    self._problem(f"{name}: {excess}")
                if services()[name].get("read_only"):
                    self._cannot_write(name)
        self._say("they are as confined as the file says")

    def _cannot_write(self, service: str) -> None:
        script = "! touch /etc/mine 2>/dev/null && touch /tmp/mine && echo closed"
        if self._project.run(service, "sh", "-c", script).strip() != "closed":
            self._problem(f"{service} writes its file system, or cannot write /tmp")

    def _api(self) -> Api:
        """As the documents say: an operator makes a token."""
        created = self._project.operator(
            "token", "create", "rehearsal", "--role", "admin", "--json"
        )
        return Api(self._project.address("API_PORT"), json.loads(created)["token"])

    # --- orders -----------------------------------------------------------------------------------

    def _open_shop(self, api: Api) -> Customers:
        half = self._course.orders // 2
        planned = _planned(self._course.orders)
        self._import(half)
        later = mix.with_payments(planned[half:])
        self._receive(api, later)
        self._say(f"{half} orders were imported; {len(later)} more come through the API")
        documents = [document_to_json(order.document) for order in later]
        return Customers(api, documents, self._course.pause_s)

    def _import(self, count: int) -> None:
        mount = ("--volume", f"{SHIPPED_SAMPLE.parent}:/samples:ro")
        some = ("--limit", str(count), "--with-stock", "90", "--report", "/tmp/report.csv")
        command = ("import", f"/samples/{SHIPPED_SAMPLE.name}", *some)
        self._project.operator(*command, options=mount)

    def _receive(self, api: Api, orders: Sequence[PlannedOrder]) -> None:
        for sku, pieces in demand(orders).items():
            body = {"quantity": pieces, "reference": "rehearsal"}
            status, said = api.ask("POST", f"/stock/{sku}/receive", body, f"receive-{sku}")
            if status >= 300:
                raise RuntimeError(f"stock {sku}: {said}")

    def _wait_for_orders(self) -> None:
        orders = self._course.orders

        def have_ended() -> bool:
            return sum(self._statuses()[status] for status in _ENDED) == orders

        wait_until("all orders have ended", have_ended, _ENDED_WITHIN_S)
        self._result.figures["orders"] = dict(self._statuses())
        self._say(f"all {orders} orders have ended: {self._result.figures['orders']}")

    def _statuses(self) -> Counter[str]:
        """How many orders have each, as the login for reports sees it."""
        query = "SELECT status FROM read_models.current_orders"
        login = "PGPASSWORD=$(cat /run/secrets/reports_password) psql -h 127.0.0.1 -U reports"
        command = f'{login} -d ordersaga -XtAc "{query}"'
        return Counter(self._project.run("postgres", "sh", "-c", command).split())

    # --- containers -------------------------------------------------------------------------------

    def _kill(self) -> None:
        seconds = self._result.figures.setdefault("healthy after a kill, s", {})
        for service in self._course.killed:
            seconds[service] = round(self._project.kill(service), 1)
            self._say(f"{service} was killed and is healthy after {seconds[service]} s")

    def _replace(self) -> None:
        seconds = self._result.figures.setdefault("replaced within, s", {})
        for service in self._course.replaced:
            took_s, code = self._project.replace(service)
            seconds[service] = round(took_s, 1)
            self._check_end(service, code)
            self._say(f"{service} ended with {code} and was replaced within {took_s:.1f} s")
        wait_until("all are healthy", lambda: not self._project.ill())

    def _check_end(self, service: str, code: int) -> None:
        if code == KILLED:
            self._problem(f"{service} did not stop within its grace period")
        if service in ours() and code != 0:
            self._problem(f"{service} ended with {code}")

    def _stop(self) -> None:
        codes = self._project.stop()
        for service in lasting():
            self._check_end(service, codes[service])
        self._result.figures["exit codes"] = {name: codes[name] for name in lasting()}
        self._say("everything has stopped within its grace period")

    # --- questions --------------------------------------------------------------------------------

    def _ask(self, api: Api) -> None:
        order = _planned(1)[0].document.order_id
        self._expect(api, f"/orders/{order}", order)
        self._expect(api, f"/console/orders/{order}", order)
        if self._images.temporal_pages:
            self._expect(Api(self._project.address("UI_PORT"), ""), "/", "<html")
        self._backed_up()
        for command in ("doctor", "verify"):
            try:
                self._say(self._project.operator(command).strip())
            except RuntimeError as error:
                self._problem(str(error))

    def _expect(self, api: Api, path: str, text: str) -> None:
        status, said = api.ask("GET", path)
        if status != 200 or text not in said:
            self._problem(f"{path} answers {status}: {said[:200]}")

    def _backed_up(self) -> None:
        """A dump is there, it can be listed, and it holds events."""
        script = 'for dump in "$BACKUP_DIR"/*.dump; do pg_restore --list "$dump"; done'
        listed = self._project.run("backup", "sh", "-c", script)
        if "TABLE DATA eventstore" not in listed:
            self._problem("no backup holds the events")
        count = listed.count("dumped from database version") or listed.count("Dumped from database")
        self._result.figures["backups"] = count
        self._say(f"{count} backups can be read")


def _planned(count: int) -> list[PlannedOrder]:
    """The first orders of the sample, as an import takes them."""
    with read_plan(Request(SHIPPED_SAMPLE, limit=count)) as plan:
        return list(plan.orders())

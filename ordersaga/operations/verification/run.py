"""Runs a verification: the events first, then the other sources."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import structlog

from domain.ids import OrderId, order_stream, return_workflow, returns_stream
from eventstore.codec import EventCodec
from eventstore.errors import UndecodableEvent, UnknownEventType
from eventstore.model import StoredEvent
from ordersaga.operations.feed import feed_events
from ordersaga.operations.verification import ledgers, rules
from ordersaga.operations.verification.facts import Facts, Stage
from ordersaga.operations.verification.ownership import E, Ledger, Owner
from ordersaga.operations.verification.report import (
    Check,
    Comparison,
    Finding,
    Foreign,
    MoneyFound,
    NotChecked,
    Report,
    Rule,
)
from ordersaga.operations.verification.sources import Sources

_ATTEMPTS = 3
_log = structlog.stdlib.get_logger("ordersaga.verification")
_UNKNOWN_RULES = frozenset({Rule.PROVIDER_UNKNOWN_PAYMENT, Rule.CARRIER_UNKNOWN_LABEL})


@dataclass(slots=True)
class _Progress:
    findings: list[Finding] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    not_checked: list[NotChecked] = field(default_factory=list)
    foreign: list[Foreign] = field(default_factory=list)
    money: list[MoneyFound] | None = None


async def verify(sources: Sources, skip: Collection[Check] = (), *, pause_s: float = 1.0) -> Report:
    """Check every source and report every violation.

    Args:
        sources: what to check.
        skip: checks to skip; the report names them.
        pause_s: seconds between checks of an order without a running saga, which may be just
            starting or ending.
    """
    facts, unknown = await read_facts(sources)
    progress = _Progress(findings=list(rules.check_events(facts)))
    progress.comparisons += ledgers.compare_pieces(facts)
    progress.not_checked += [NotChecked(Check.EVENTS, problem) for problem in sorted(unknown)]
    steps: dict[Check, Callable[[], Awaitable[None]]] = {
        Check.PAYMENTS: lambda: _payments(sources, facts, progress),
        Check.CARRIER: lambda: _carrier(sources, facts, progress),
        Check.SAGAS: lambda: _running(sources, facts, progress, pause_s),
        Check.READ_MODELS: lambda: _read_models(sources, progress),
    }
    for check, step in steps.items():
        await _attempt(check, step, sources, skip, progress)
    findings = sorted(progress.findings, key=lambda finding: (finding.rule, finding.subject))
    counts = _counts(facts)
    rest = (progress.not_checked, progress.comparisons, counts, progress.foreign, progress.money)
    return Report(findings, *rest)


async def read_facts(sources: Sources) -> tuple[Facts, set[str]]:
    """Fold the whole feed; also returns what is wrong with events that cannot be read."""
    facts, unknown = Facts(), set[str]()
    async with aclosing(feed_events(sources.store)) as events:
        async for stored in events:
            if problem := _fold(facts, sources.codec, stored):
                unknown.add(problem)
    return facts, unknown


def _fold(facts: Facts, codec: EventCodec, stored: StoredEvent) -> str | None:
    """Fold an event; returns what is wrong with one that cannot be folded."""
    try:
        facts.apply(stored.stream, codec.decode(stored))
    except UnknownEventType as error:
        return f"no class for event type {error.event_type}"
    except UndecodableEvent as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  one odd event hides no other
        return f"{stored.stream}, version {stored.version}: fails with {type(error).__name__}"
    return None


async def _attempt(
    check: Check,
    step: Callable[[], Awaitable[None]],
    sources: Sources,
    skip: Collection[Check],
    progress: _Progress,
) -> None:
    if check in skip:
        progress.not_checked.append(NotChecked(check, "skipped on request", requested=False))
        return
    if check in sources.missing:
        progress.not_checked.append(NotChecked(check, sources.missing[check]))
        return
    try:
        await step()
    except sources.unreachable as error:
        why = f"could not be asked ({type(error).__name__}: {error})"
        progress.not_checked.append(NotChecked(check, why))
    except Exception as error:  # noqa: BLE001  one check that fails hides no other
        _log.exception("a check failed", check=check.value)
        why = f"failed unexpectedly with {type(error).__name__}: the log says more"
        progress.not_checked.append(NotChecked(check, why))


async def _payments(sources: Sources, facts: Facts, progress: _Progress) -> None:
    owner = Owner(await sources.installation.current(), facts)
    ledger = await owner.sort(sources.payments.payments())
    payments = _own(Check.PAYMENTS, ledger, progress)
    findings = list(ledgers.check_payments(facts, payments))
    if subjects := {finding.subject for finding in findings}:
        now = await _facts_now(sources, subjects)
        findings = list(ledgers.check_payments(facts, payments, now))
    unknown = await _still_unknown(sources, findings)
    progress.findings += unknown
    progress.comparisons += ledgers.compare_money(facts, payments)
    progress.money = list(ledgers.money_found(facts, payments, [*unknown, *ledger.wrong]))


async def _carrier(sources: Sources, facts: Facts, progress: _Progress) -> None:
    owner = Owner(await sources.installation.current(), facts)
    labels = _own(Check.CARRIER, await owner.sort(sources.carrier.labels()), progress)
    findings = ledgers.check_labels(facts, labels)
    progress.findings += await _still_unknown(sources, findings)
    progress.comparisons += ledgers.compare_labels(facts, labels)


def _own(check: Check, ledger: Ledger[E], progress: _Progress) -> Mapping[OrderId, Sequence[E]]:
    """What is our orders' own; the rest goes into the report."""
    progress.findings += ledger.wrong
    progress.foreign += ledger.foreign
    progress.not_checked += [
        NotChecked(check, f"{record.reference}: {record.why}") for record in ledger.unclear
    ]
    return ledger.own


async def _still_unknown(sources: Sources, findings: Iterable[Finding]) -> Sequence[Finding]:
    """Drop findings about orders that were submitted while the verification ran."""
    candidates = list(findings)
    unsure = {finding.subject for finding in candidates if finding.rule in _UNKNOWN_RULES}
    now = await _facts_now(sources, unsure)
    return [
        finding
        for finding in candidates
        if finding.rule not in _UNKNOWN_RULES
        or now.order(OrderId(finding.subject)).stage in (Stage.NEVER, Stage.DRAFT)
    ]


async def _running(sources: Sources, facts: Facts, progress: _Progress, pause_s: float) -> None:
    if sources.sagas is None:
        return
    missing = _open_workflows(facts)
    for look in range(_ATTEMPTS):
        # The workflows first, then the events: an order that ends in between is not an offender.
        running = await sources.sagas(sorted(missing))
        missing = {key: finding for key, finding in missing.items() if key not in running}
        now = await _facts_now(sources, {finding.subject for finding in missing.values()})
        missing = {key: missing[key] for key in missing.keys() & _open_workflows(now).keys()}
        if not missing:
            return
        if look + 1 < _ATTEMPTS:
            await asyncio.sleep(pause_s)
    progress.findings += missing.values()


def _open_workflows(facts: Facts) -> dict[str, Finding]:
    """The workflows that must be running, each with the finding if it is not."""
    findings: dict[str, Finding] = {}
    for key, order in facts.orders.items():
        if order.stage.is_open:
            expected = f"a running saga: the order is {order.stage}"
            findings[order_stream(key)] = Finding(
                Rule.OPEN_ORDER_HAS_SAGA, key, expected, "none is running"
            )
        for case in order.returns.open:
            expected = f"a running workflow: return {case} is open"
            findings[return_workflow(key, case)] = Finding(
                Rule.OPEN_RETURN_HAS_WORKFLOW, key, expected, "none is running"
            )
    return findings


async def _facts_now(sources: Sources, order_ids: Collection[str]) -> Facts:
    """The present facts of orders and their returns."""
    keys = [OrderId(key) for key in order_ids]
    names = [name for key in keys for name in (order_stream(key), returns_stream(key))]
    streams = await sources.store.read_streams(names)
    facts = Facts()
    for stored in (event for events in streams.values() for event in events):
        _fold(facts, sources.codec, stored)
    return facts


async def _read_models(sources: Sources, progress: _Progress) -> None:
    if sources.read_models is not None:
        progress.findings += await sources.read_models()


def _counts(facts: Facts) -> dict[str, int]:
    counts = {"events": facts.events, "skus": len(facts.stock)}
    for order in facts.orders.values():
        if order.stage is not Stage.NEVER:
            counts[f"orders_{order.stage}"] = counts.get(f"orders_{order.stage}", 0) + 1
    return counts

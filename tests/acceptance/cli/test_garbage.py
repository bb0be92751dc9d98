"""Whatever is typed at the commands: a clear error, the right exit code, nothing changed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.cli_shop import ADDRESS, CliShop
from tests.support.stack.stack import Ended

SQL = "x'; DROP TABLE eventstore.events; --"
EMOJI = "🏮"
NOT_UTF8 = "\udcff\udcfe"
HUGE = "9" * 40
LONG = "x" * 100_000

REFUSED, WRONG_USAGE = 1, 2


@pytest.fixture
async def shop(empty_database: str, tmp_path: Path) -> CliShop:
    shop = await CliShop.opened(empty_database, tmp_path)
    await shop.draft("A1")
    await shop.json("stock", "receive", "71053", "10")
    return shop


GARBAGE: list[tuple[int, tuple[str, ...]]] = [
    *((REFUSED, ("order", "show", text)) for text in (SQL, EMOJI, NOT_UTF8, LONG, "", "nobody")),
    *((REFUSED, ("order", "history", text)) for text in (SQL, "nobody")),
    *((REFUSED, ("order", "create", text)) for text in (SQL, EMOJI, "", " A1", "a b")),
    (REFUSED, ("order", "create", "B1", "--customer", SQL)),
    (REFUSED, ("order", "create", "B1", "--currency", SQL)),
    (REFUSED, ("order", "cancel", "nobody")),
    *((REFUSED, ("order", "add-item", "A1", text, "--price", "1")) for text in (SQL, EMOJI, "")),
    *(
        (REFUSED, ("order", "add-item", "A1", "22222", "--price", text))
        for text in (SQL, "-1", "1e9", "NaN", HUGE, "3,39", "", EMOJI)
    ),
    *(
        (REFUSED, ("order", "add-item", "A1", "22222", "--price=1", f"--quantity={text}"))
        for text in ("-1", "0", HUGE)
    ),
    (WRONG_USAGE, ("order", "add-item", "A1", "22222", "--price=1", "--quantity=many")),
    *(
        (REFUSED, ("order", "add-item", "A1", "22222", "--price=1", f"--description={text}"))
        for text in ("", LONG[:500], "a\nb", NOT_UTF8)
    ),
    *(
        (REFUSED, ("return", "open", text, "R1", "--all", "--reason=x"))
        for text in (SQL, EMOJI, NOT_UTF8, "")
    ),
    *(
        (REFUSED, ("return", "open", "A1", text, "--all", "--reason=x"))
        for text in (SQL, "R-1", "", EMOJI)
    ),
    (REFUSED, ("return", "open", "A1", "R1", "--all", "--reason=x", "--amount-minor", HUGE)),
    (REFUSED, ("return", "open", "A1", "R1", f"--line=1={HUGE}", "--reason=x")),
    (REFUSED, ("return", "open", "A1", "R1", "--all", f"--reason={NOT_UTF8}")),
    (WRONG_USAGE, ("return", "open", "A1", "R1", "--line=1", "--reason=x")),
    (WRONG_USAGE, ("return", "open", "A1", "R1", "--all", "--line=1=1", "--reason=x")),
    (WRONG_USAGE, ("return", "refund", "A1", "R1", "--reason=x")),
    (WRONG_USAGE, ("return", "refund", "A1", "R1", "full", "--amount-minor=1", "--reason=x")),
    (WRONG_USAGE, ("return", "restock", "A1", "R1", "--reason=x")),
    (REFUSED, ("return", "show", SQL, "R1")),
    (REFUSED, ("return", "show", "A1", SQL)),
    (REFUSED, ("return", "list", "--cursor", SQL)),
    (REFUSED, ("parcel", "show", "nobody")),
    (REFUSED, ("parcel", "report", SQL, "--status=lost")),
    (WRONG_USAGE, ("parcel", "report", "A1", "--status=eaten")),
    (WRONG_USAGE, ("parcel", "report", "A1", "--status=lost", "--at", SQL)),
    (REFUSED, ("order", "set-quantity", "A1", "1", "0")),
    (REFUSED, ("order", "set-quantity", "A1", "1", HUGE)),
    (WRONG_USAGE, ("order", "set-quantity", "A1", "1", "two")),
    (REFUSED, ("order", "set-address", "A1", *ADDRESS, "--country=Great Britain")),
    (REFUSED, ("order", "set-address", "A1", *ADDRESS, "--name=")),
    (REFUSED, ("order", "set-address", "A1", *ADDRESS, f"--city={NOT_UTF8}")),
    (REFUSED, ("order", "submit", "A1", "--token", "")),
    (REFUSED, ("order", "submit", "nobody", "--token", "tok_visa")),
    (WRONG_USAGE, ("order", "submit", "A1", "--token", "tok_visa", "--capture", "later")),
    (WRONG_USAGE, ("order", "show", "A1", "--at", SQL)),
    (WRONG_USAGE, ("order", "show", "A1", "--at", "")),
    (WRONG_USAGE, ("order", "show", "A1", "--at-version", "0")),
    (WRONG_USAGE, ("order", "show", "A1", "--at-version", HUGE)),
    (WRONG_USAGE, ("order", "list", "--status", "lost")),
    (WRONG_USAGE, ("order", "list", "--limit", "0")),
    (REFUSED, ("order", "list", "--cursor", SQL)),
    (REFUSED, ("order", "list", "--cursor", NOT_UTF8)),
    (WRONG_USAGE, ("orders", "current", "--customer", NOT_UTF8)),
    (WRONG_USAGE, ("orders", "current", "--placed-from", "soon")),
    (REFUSED, ("orders", "customer", SQL)),
    (REFUSED, ("orders", "history", "nobody")),
    (WRONG_USAGE, ("audit", "--actor", NOT_UTF8)),
    (REFUSED, ("audit", SQL)),
    (WRONG_USAGE, ("demand", "top", "--since", "yesterday")),
    *((REFUSED, ("stock", "receive", text, "1")) for text in (SQL, EMOJI, "")),
    *((REFUSED, ("stock", "receive", "71053", text)) for text in ("0", HUGE)),
    (REFUSED, ("stock", "receive", "71053", "1", "--reference", "")),
    (REFUSED, ("stock", "receive", "71053", "1", "--reference", NOT_UTF8)),
    (REFUSED, ("stock", "adjust", "71053", "--by=0", "--reason=count")),
    (REFUSED, ("stock", "adjust", "71053", f"--by={HUGE}", "--reason=count")),
    (REFUSED, ("stock", "show", "nothing")),
    (WRONG_USAGE, ("saga", "list", "--status", NOT_UTF8)),
    (REFUSED, ("saga", "show", SQL)),
    (REFUSED, ("saga", "hold", SQL, "--reason", "x")),
    (WRONG_USAGE, ("verify", "--skip", "everything")),
    (WRONG_USAGE, ("order", "fly")),
]


async def test_garbage_is_refused_in_one_line_and_changes_nothing(shop: CliShop) -> None:
    head = await shop.head()
    answers = await shop.run_all([command for _, command in GARBAGE])
    assert [
        fault
        for (code, command), ended in zip(GARBAGE, answers, strict=True)
        for fault in faults_of(code, command, ended)
    ] == []
    assert await shop.head() == head


def faults_of(code: int, command: tuple[str, ...], ended: Ended) -> Iterator[str]:
    shown = " ".join(word[:40] for word in command)
    if ended.code != code:
        yield f"{shown}: {ended.code} instead of {code}: {ended.err[-300:]}"
    if not ended.err.strip() or "Traceback" in ended.err or len(ended.err) > 2_000:
        yield f"{shown}: no clear error: {ended.err[-300:]}"
    if ended.out:
        yield f"{shown}: printed {ended.out[:100]}"


async def test_words_that_look_like_sql_are_only_words(shop: CliShop) -> None:
    order = await shop.json(
        "order", "add-item", "A1", "22222", "--price=1", f"--description={SQL} {EMOJI}"
    )
    assert order["lines"][1]["description"] == f"{SQL} {EMOJI}"
    assert (await shop.json("orders", "current", "--customer", SQL))["items"] == []
    assert (await shop.json("audit", "--actor", SQL))["items"] == []
    assert (await shop.run("order", "show", "A1")).code == 0

"""Whatever a file holds, every line is accounted for."""

import csv
import io
import json
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ordersaga.importing.errors import BadMapping, UnreadableFile
from ordersaga.importing.plan import Request, demand, part_of, read_plan
from tests.unit.ordersaga.importing.builders import GOOD, HEADER, row, text_of
from tests.unit.ordersaga.importing.shops import SHOPIFY, Read, read, shopify, text

DOCUMENT = {
    "order_id": "A1",
    "currency": "GBP",
    "placed_at": "2026-01-31T14:05:00+00:00",
    "lines": [{"sku": "L", "description": "Lamp", "quantity": 2, "unit_price_minor": 250}],
    "address": {
        "name": "Ada",
        "line1": "1 Row",
        "city": "London",
        "postal_code": "N1",
        "country": "GB",
    },
    "payment": {"token": "tok_visa"},
}


# --- JSON lines ----------------------------------------------------------------------------------


def lines(*documents: object) -> str:
    return "\n".join(json.dumps(document) for document in documents) + "\n"


def test_json_lines_are_order_documents(tmp_path: Path) -> None:
    result = read(tmp_path, "\n" + lines(DOCUMENT, {**DOCUMENT, "order_id": "A2"}), format="jsonl")
    assert [order.document.order_id for order in result.orders] == ["A1", "A2"]
    assert [order.lines for order in result.orders] == [(2,), (3,)]
    assert result.plan.demand == {"L": 4}


def test_json_lines_are_told_by_their_first_character(tmp_path: Path) -> None:
    result = read(tmp_path, lines(DOCUMENT))
    assert (result.plan.format, len(result.orders)) == ("jsonl", 1)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"currency": "QQQ"}, "currency"),
        ({"total_minor": 499}, "is 499, but lines and adjustments make 500"),
        ({"order_id": None}, "order_id: is missing"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_a_document_that_the_saga_refuses_is_refused_with_its_line(
    tmp_path: Path, changes: dict[str, object], problem: str
) -> None:
    result = read(tmp_path, lines(DOCUMENT, {**DOCUMENT, **changes}))
    (entry,) = result.entries
    assert (entry.line, entry.reason) == (2, "order_refused")
    assert problem in entry.detail


def test_text_that_is_no_json_is_refused_with_its_line(tmp_path: Path) -> None:
    result = read(tmp_path, lines(DOCUMENT) + "{broken\n[1]\n")
    assert [entry.line for entry in result.entries] == [2, 3]


def test_an_id_that_comes_twice_is_refused_the_second_time(tmp_path: Path) -> None:
    result = read(tmp_path, lines(DOCUMENT, DOCUMENT))
    assert result.reasons == [(2, "", "order_repeated")]
    assert result.plan.orders_refused == 1


# --- how a file is told --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "options", "problem"),
    [
        (text_of(row(InvoiceDate="05/04/2011 08:26")), {}, "line 2, InvoiceDate: 05/04/2011"),
        (
            text_of(row(), row(InvoiceDate="13/04/2011"), row(InvoiceDate="04/13/2011")),
            {},
            "several orders",
        ),
        (text(SHOPIFY, *shopify("#1", {})), {"format": "online-retail"}, "lacks InvoiceNo"),
        ("a,b\n", {"format": "shopify"}, "for shopify it lacks Name"),
    ],
)
def test_what_is_not_certain_is_refused_with_what_to_give(
    tmp_path: Path, content: str, options: dict[str, object], problem: str
) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read(tmp_path, content, **options)
    assert problem in caught.value.problem
    assert "--" in caught.value.problem


def test_a_mapping_file_reads_any_table(tmp_path: Path) -> None:
    mapping = tmp_path / "own.toml"
    mapping.write_text(
        """
        header = ["Bestellung", "Artikel"]
        currency = "EUR"
        country = "DE"
        time_zone = "Europe/Berlin"
        [order]
        number = "Bestellung"
        placed_at = "Datum"
        token = "Zahlung"
        total = "Summe"
        [line]
        line_id = "Pos"
        sku = "Artikel"
        description = "Name"
        quantity = "Menge"
        price = "Preis"
        [[address]]
        name = ["Vorname", "Nachname"]
        line1 = ["Strasse"]
        city = ["Ort"]
        postal_code = ["PLZ"]
        [[lines]]
        when = { "Artikel" = "PORTO" }
        kind = "shipping"
        """
    )
    table = (
        "Bestellung;Pos;Artikel;Name;Menge;Preis;Summe;Datum;Zahlung;Vorname;Nachname;Strasse;Ort;PLZ\n"
        "7;10;L-1;Lampe;1.000;1,20;1.204,90;31.05.2026 12:00;tok_mc;Ada;König;Am Ring 1;Ulm;89073\n"
        "7;20;PORTO;Porto;1;4,90;1.204,90;31.05.2026 12:00;tok_mc;Ada;König;Am Ring 1;Ulm;89073\n"
    )
    result = read(tmp_path, table, map=mapping)
    assert result.reasons == []
    (order,) = result.orders
    document = order.document
    assert [(one.line_id, one.kind, one.quantity) for one in document.lines] == [
        ("10", "goods", 1000),
        ("20", "shipping", 1),
    ]
    assert result.totals == [120490]
    assert document.payment is not None
    assert document.payment.token == "tok_mc"
    assert document.placed_at is not None
    assert document.placed_at.isoformat() == "2026-05-31T10:00:00+00:00"
    assert document.address is not None
    assert (document.address.name, document.address.country) == ("Ada König", "DE")


def test_what_the_shop_was_paid_already_is_claimed_and_not_charged_again(tmp_path: Path) -> None:
    mapping = tmp_path / "own.toml"
    mapping.write_text(
        """
        header = ["Order", "Item"]
        currency = "EUR"
        country = "DE"
        paid_at_shop = true
        [order]
        number = "Order"
        confirmed = "Transaction"
        [line]
        sku = "Item"
        description = "Item"
        quantity = "Count"
        price = "Price"
        [[address]]
        name = ["Name"]
        line1 = ["Street"]
        city = ["City"]
        postal_code = ["Code"]
        """
    )
    table = (
        "Order,Item,Count,Price,Transaction,Name,Street,City,Code\n"
        "1,L-1,1,1.20,pi_3PcheckoutA1,Ada,Am Ring 1,Ulm,89073\n"
        "2,L-1,1,1.20,,Ada,Am Ring 1,Ulm,89073\n"
        "3,L-1,1,1.20,not a reference,Ada,Am Ring 1,Ulm,89073\n"
    )
    result = read(tmp_path, table, map=mapping)
    terms = [order.document.payment for order in result.orders]
    assert [(one.token, one.confirmed) for one in terms if one] == [
        (None, "pi_3PcheckoutA1"),
        ("tok_visa", None),
    ]
    assert len(result.reasons) == 1
    assert not any("charges the payment token again" in remark for remark in result.plan.remarks)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ("header = 1", "header: "),
        ("surprise = 1", "surprise: is not a key"),
        ('currency = "EURO"', "currency: "),
        ('time_zone = "Mars/Crater"', "time_zone: "),
        ('encoding = "klingon"', "encoding: is not known"),
        ('fulfil = [{ column = "a", only = "(", otherwise = "x" }]', "fulfil.0.only: "),
        ('lines = [{ when = { a = "b" } }]', "lines.0: say either kind or skip"),
        ("made_up_address = true", "needs country_column"),
        ("= broken", "not valid TOML"),
    ],
)
def test_a_mapping_that_says_nonsense_is_refused_with_its_key(
    tmp_path: Path, changes: str, problem: str
) -> None:
    start = "" if changes.startswith("header") else 'header = ["a"]\n'
    rest = '\n[order]\nnumber="a"\n[line]\nsku="b"\ndescription="b"\nquantity="b"\nprice="b"\n'
    mapping = tmp_path / "own.toml"
    mapping.write_text(start + changes + rest)
    with pytest.raises(BadMapping) as caught:
        read(tmp_path, "a\n", map=mapping)
    assert problem in caught.value.problem


def test_a_mapping_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadMapping, match="no such file"):
        read(tmp_path, "a\n", map=tmp_path / "nowhere.toml")


# --- every line is accounted for -----------------------------------------------------------------


def test_the_limit_counts_orders(tmp_path: Path) -> None:
    rows = [row(InvoiceNo="C1"), row(InvoiceNo="2"), row(InvoiceNo="3"), row(InvoiceNo="4")]
    result = read(tmp_path, text_of(*rows), limit=2)
    assert [order.document.order_id for order in result.orders] == ["2", "3"]
    assert (len(result.reasons), result.plan.lines_beyond_limit) == (1, 1)


def test_part_of_a_demand_is_rounded_up() -> None:
    assert [part_of(pieces, 50) for pieces in (0, 1, 2, 3)] == [0, 1, 1, 2]


@given(st.integers(1, 10**9), st.integers(1, 1000))
def test_every_product_in_demand_gets_a_piece_and_less_than_one_too_many(
    pieces: int, percent: int
) -> None:
    received = part_of(pieces, percent)
    assert received >= 1
    assert pieces * percent <= received * 100 < pieces * percent + 100


def test_demand_adds_up_over_orders(tmp_path: Path) -> None:
    result = read(tmp_path, text_of(row(), row(InvoiceNo="2", Quantity="4")))
    assert demand(result.orders) == result.plan.demand == {"71053": 10}


_FIELD = st.one_of(st.text(max_size=12), st.sampled_from(sorted(set(GOOD.values()))))
_ROW = st.fixed_dictionaries({name: st.one_of(st.just(GOOD[name]), _FIELD) for name in HEADER})


@settings(max_examples=settings.default.max_examples * 3)
@given(st.lists(_ROW, max_size=12), st.one_of(st.none(), st.integers(1, 5)), st.booleans())
def test_no_line_is_lost_or_counted_twice(
    rows: list[dict[str, str]], limit: int | None, partial: bool
) -> None:
    out = io.StringIO()
    writer = csv.DictWriter(out, HEADER, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    _account_for(out.getvalue().encode(errors="surrogatepass"), limit=limit, partial=partial)


_SHOP = st.fixed_dictionaries(
    {
        name: st.sampled_from(
            [
                "",
                "1",
                "paid",
                "10.00",
                "0.00",
                "#1",
                "#2",
                "GBP",
                "x",
                "GB",
                "2026-05-01 10:00",
                "-1",
            ]
        )
        for name in SHOPIFY
    }
)


@given(st.lists(_SHOP, max_size=6), st.booleans())
def test_no_line_of_a_shop_is_lost_or_counted_twice(
    rows: list[dict[str, str]], partial: bool
) -> None:
    _account_for(text(SHOPIFY, *rows).encode(), partial=partial)


@settings(max_examples=settings.default.max_examples * 3)
@given(st.binary(max_size=400), st.sampled_from([",".join(HEADER), ",".join(SHOPIFY), "{", ""]))
def test_arbitrary_bytes_give_a_plan_or_one_clear_error(raw: bytes, head: str) -> None:
    _account_for(head.encode() + (b"\n" if head else b"") + raw)


def _account_for(content: bytes, **options: object) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "any.csv"
        path.write_bytes(content)
        try:
            with read_plan(Request(path, **options)) as plan:  # type: ignore[arg-type]  any
                result = Read(plan)
        except UnreadableFile:
            return
    taken = [line for order in result.orders for line in order.lines]
    left = Counter(taken + [line for line, _, _ in result.reasons])
    assert set(left.values()) <= {1}
    assert left.total() + result.plan.lines_beyond_limit == result.plan.lines_in_file

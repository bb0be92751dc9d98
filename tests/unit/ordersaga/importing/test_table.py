"""Tables of any separator: the header is found, and says what the file is."""

import pytest

from ordersaga.importing.errors import UnreadableFile
from ordersaga.importing.mapping import FORMATS, parse_mapping, shipped
from ordersaga.importing.table import Header, Record, find_header, records
from tests.unit.ordersaga.importing.builders import row, text_of

SMALL = parse_mapping(
    """
    header = ["a"]
    order = { number = "a" }
    line = { sku = "b", description = "b", quantity = "b", price = "b" }
    """,
    "small.toml",
)
ALL = {name: shipped(name) for name in FORMATS}


def read(text: str, formats: tuple[str, ...] = FORMATS) -> tuple[Header, list[Record]]:
    lines = iter(text.splitlines(keepends=True))
    header, again = find_header("f.csv", lines, {name: ALL[name] for name in formats})
    return header, list(records("f.csv", again, header))


def problem_of(text: str, formats: tuple[str, ...] = FORMATS) -> str:
    with pytest.raises(UnreadableFile) as caught:
        read(text, formats)
    return caught.value.problem


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("above", ["", "\n\n", "sep={separator}\n", "Export of May\n\n"])
def test_separator_and_header_are_found(separator: str, above: str) -> None:
    text = above.format(separator=separator) + text_of(row(Country="FR")).replace(",", separator)
    header, (record,) = read(text)
    assert (header.format, header.separator) == ("online-retail", separator)
    assert record.values["Country"] == "FR"
    assert record.number == header.line + 1


def test_names_are_found_in_any_case_and_order_with_more_columns_between() -> None:
    head, line = text_of(row()).splitlines()
    turned = [",".join(["x", *reversed(part.split(",")), "x"]) for part in (head.upper(), line)]
    _, (record,) = read("\n".join(turned))
    assert (record.values["InvoiceNo"], record.values["Country"]) == ("536365", "United Kingdom")


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_is_told_by_its_header(name: str) -> None:
    mapping = ALL[name]
    header, _ = read(",".join(mapping.header) + "\n")
    assert header.format == name
    alias = {column: names[0] for column, names in mapping.also_called.items()}
    other, _ = read(";".join(alias.get(column, column) for column in mapping.header) + "\n")
    assert (other.format, other.separator) == (name, ";")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        ("\n \n", "empty"),
        ("a,b,c\n1,2,3\n", "columns found: a, b, c"),
        (text_of(row()).replace("Country\n", "Nation\n"), "for online-retail it lacks Country"),
        (text_of(row()).replace("Country\n", "Country,country\n"), "line 1 names Country twice"),
        ("\n" * 30 + text_of(row()), "empty"),
        (text_of(row()) + '"never closed\n', "line 3 is not valid CSV"),
        (text_of(row()) + 'a,"b"c,d\n', "line 3 is not valid CSV"),
        (text_of(row()) + '"' + "x\n" * 100_000, "is not valid CSV"),
    ],
)
def test_a_table_that_no_format_describes_says_what_is_missing(text: str, problem: str) -> None:
    assert problem in problem_of(text)


def test_a_header_that_fits_two_formats_is_not_guessed() -> None:
    both = dict.fromkeys([*ALL["online-retail"].header, *ALL["online-retail-ii"].header])
    assert "fits online-retail and online-retail-ii" in problem_of(",".join(both) + "\n")


@pytest.mark.parametrize(
    ("tail", "problem"),
    [
        ("536366,71053\n", "has 2 columns"),
        (text_of(row()).splitlines()[1] + ",,\n", ""),
        (text_of(row()).splitlines()[1] + ",5\n", "has 9 columns"),
    ],
)
def test_a_line_of_another_width_is_marked(tail: str, problem: str) -> None:
    _, found = read(text_of(row()) + tail)
    assert problem in found[-1].problem
    assert bool(found[-1].problem) == bool(problem)


def test_line_numbers_are_those_of_the_file_even_after_a_quoted_line_break() -> None:
    _, found = read(text_of(row(Description='two\n"lines"'), row()) + "\n\n" + "x,,,,,,,\n")
    assert [record.number for record in found] == [2, 4, 7]


def test_apostrophes_that_keep_zeros_are_taken_off() -> None:
    header, again = find_header("f", iter(["a;b\n", "'01;'\n"]), {"m": SMALL})
    (record,) = records("f", again, header, strip="'")
    assert record.values == {"a": "01", "b": ""}


def test_shipped_formats_use_every_column_that_their_header_needs() -> None:
    for mapping in ALL.values():
        assert set(mapping.header) <= set(mapping.columns)

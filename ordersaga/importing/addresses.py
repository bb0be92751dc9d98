"""Where an order of a file goes to."""

from domain.values import Address
from ordersaga.importing.mapping import AddressColumns
from ordersaga.importing.mapping import Mapping as Format
from ordersaga.importing.table import Record
from ordersaga.importing.values import Values


def address_of(
    mapping: Format, values: Values, whole: Record, number: str, customer_id: str
) -> Address | None:
    """The address, not yet checked; None if the order has none.

    Raises:
        Unreadable: its country is unknown.
    """
    if mapping.made_up_address:
        country = values.country(whole, mapping.country_column)
        return made_up(number, customer_id, country)
    columns = _filled(mapping, values, whole)
    if columns is None:
        return None
    country_column = columns.country[0] if columns.country else mapping.country_column
    parts = {
        name: _joined(values, whole, getattr(columns, name), ", " if name == "line2" else " ")
        for name in ("name", "line1", "line2", "city", "region", "postal_code")
    }
    return Address(**parts, country=values.country(whole, country_column))


def column(mapping: Format, values: Values, whole: Record, name: str) -> str:
    """The columns of a part of the address, for people."""
    columns = _filled(mapping, values, whole)
    return ", ".join(getattr(columns, name, ())) if columns else mapping.country_column or ""


def _filled(mapping: Format, values: Values, whole: Record) -> AddressColumns | None:
    """The first of the addresses of the format that the order has."""
    for columns in mapping.address:
        # A name or a country alone is no address: exports repeat the customer's there.
        if _joined(values, whole, [*columns.line1, *columns.city], ""):
            return columns
    return None


def _joined(values: Values, whole: Record, columns: list[str], with_: str) -> str:
    return with_.join(text for column in columns if (text := values.text(whole, column)))


def made_up(number: str, customer_id: str, country: str) -> Address:
    """A recognisably made-up address, for data without addresses; always the same for an order."""
    return Address(
        name=f"Customer {customer_id}" if customer_id else f"Guest {number}",
        line1=f"{number} Example Street",
        city="Example City",
        postal_code="00000",
        country=country,
    )

"""Only what is known as our own can be changed at a provider: one file asks each of them."""

import ast

from tests.support.repository.source_tree import files, name_of, nodes_of

PORTS = {"PaymentGateway", "Carrier"}
PROOFS = {"OwnPayment", "OwnLabel"}
ASKING = ["activities/payments/own.py", "activities/shipping/own.py"]
GIVE_BACK = {"refund", "void"}


def names_a_port(nodes: tuple[ast.AST, ...]) -> bool:
    """Whether one of the nodes names the interface of a provider."""
    return any(isinstance(node, ast.Name) and node.id in PORTS for node in nodes)


def proves(nodes: tuple[ast.AST, ...]) -> bool:
    """Whether one of the nodes declares a record of a provider to be our own."""
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in PROOFS
        for node in nodes
    )


def gives_back(nodes: tuple[ast.AST, ...]) -> bool:
    """Whether one of the nodes calls `refund` or `void`."""
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in GIVE_BACK
        for node in nodes
    )


def test_one_file_for_each_provider_asks_it_and_decides_what_is_our_own() -> None:
    activities = list(files(".py", under="activities"))
    asking = [name_of(path) for path in activities if names_a_port(nodes_of(path))]
    proving = [name_of(path) for path in activities if proves(nodes_of(path))]
    assert (asking, proving) == (ASKING, ASKING)


def test_one_room_of_the_activities_decides_that_money_is_given_back() -> None:
    callers = [
        name_of(path) for path in files(".py", under="activities") if gives_back(nodes_of(path))
    ]
    names = ("giving_back", "own", "refunds", "undo")
    assert callers == [f"activities/payments/{name}.py" for name in names]


def test_the_controls_are_recognised() -> None:
    source = """
async def undo(self, gateway: PaymentGateway):
    await gateway.refund('p', amount, 'key')
    return OwnPayment(found)
"""
    nodes = tuple(ast.walk(ast.parse(source)))
    assert names_a_port(nodes)
    assert proves(nodes)
    assert gives_back(nodes)
    innocent = tuple(ast.walk(ast.parse("keys.refund_key(order_id)")))
    assert not any(rule(innocent) for rule in (names_a_port, proves, gives_back))

"""Money is given back in one place: whoever asks how finds one file."""

import ast

from tests.support.repository.source_tree import files, name_of, nodes_of

GIVE_BACK = {"refund", "void"}


def gives_back(nodes: tuple[ast.AST, ...]) -> bool:
    """Whether one of the nodes calls the payment provider's `refund` or `void`."""
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in GIVE_BACK
        for node in nodes
    )


def test_one_file_of_the_activities_gives_money_back() -> None:
    callers = [
        name_of(path) for path in files(".py", under="activities") if gives_back(nodes_of(path))
    ]
    assert callers == ["activities/payments/refunds.py"]


def test_a_call_of_the_provider_is_recognised() -> None:
    source = "async def undo(self):\n    await self._gateway.refund('p', amount, 'key')"
    assert gives_back(tuple(ast.walk(ast.parse(source))))
    assert not gives_back(tuple(ast.walk(ast.parse("keys.refund_key(order_id)"))))

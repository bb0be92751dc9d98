"""One thing stands in one place: no class cut into a chain of bases, no folder spelled as a prefix.

Each rule is a function of sources, so that it is shown to find what it refuses.
"""

import ast
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from tests.support.repository.source_tree import name_of, nodes_of, shipped_modules

FAMILY_LINES = 400  # a class together with those of its bases that are ours
DEEPEST = 2  # itself included
MOST_SIBLINGS = 2  # modules of a folder that share a prefix
NO_BEHAVIOUR = {
    "Exception",
    "BaseModel",
    "TypedDict",
}  # errors and models of messages may be deeper

Modules = Mapping[str, Iterable[ast.AST]]  # every node of each, by name
Place = tuple[str, str]  # module, class


def product() -> Modules:
    return {name_of(path): nodes_of(path) for path in shipped_modules()}


def modules(**sources: str) -> Modules:
    return {f"{name}.py": ast.walk(ast.parse(source)) for name, source in sources.items()}


class Families:
    """The classes of some modules and how they are made of one another."""

    def __init__(self, modules: Modules) -> None:
        self._classes = {
            (module, node.name): node
            for module, nodes in modules.items()
            for node in nodes
            if isinstance(node, ast.ClassDef)
        }
        self._places: dict[str, list[Place]] = defaultdict(list)
        for place in self._classes:
            self._places[place[1]].append(place)

    def offenders(self) -> Iterator[str]:
        """Classes that are too long or too deep together with their bases."""
        for place in self._classes:
            lines, depth = self.lines(place), self.depth(place)
            too_deep = depth > DEEPEST and not self.roots(place) & NO_BEHAVIOUR
            if lines > FAMILY_LINES or too_deep:
                yield f"{place[0]} {place[1]}: {lines} lines, {depth} deep"

    def lines(self, place: Place) -> int:
        family = [self._classes[each] for each in self.family(place)]
        return sum((node.end_lineno or 0) - node.lineno + 1 for node in family)

    def depth(self, place: Place) -> int:
        return 1 + max((self.depth(base) for base in self.bases(place)), default=0)

    def roots(self, place: Place) -> set[str]:
        return {
            base_name(base) for each in self.family(place) for base in self._classes[each].bases
        }

    def family(self, place: Place) -> set[Place]:
        return {place}.union(*(self.family(base) for base in self.bases(place)))

    def bases(self, place: Place) -> list[Place]:
        """The bases that are ours: those of the same module, else those of that name anywhere."""
        found = []
        for name in map(base_name, self._classes[place].bases):
            near = (place[0], name)
            candidates = [near] if near in self._classes else self._places.get(name, [])
            found += [each for each in candidates[:1] if each != place]
        return found


def base_name(base: ast.expr) -> str:
    named = base.value if isinstance(base, ast.Subscript) else base
    return named.attr if isinstance(named, ast.Attribute) else getattr(named, "id", "")


def crowded_prefixes(names: Iterable[str]) -> list[str]:
    """Prefixes that more modules of a folder share than may: they ask for a folder."""
    paths = [PurePosixPath(name) for name in names]
    prefixes = Counter((p.parent, p.stem.split("_")[0]) for p in paths if "_" in p.stem.strip("_"))
    return [f"{folder}/{prefix}_*" for (folder, prefix), n in prefixes.items() if n > MOST_SIBLINGS]


def test_no_class_is_large_or_deep_with_its_bases() -> None:
    assert list(Families(product()).offenders()) == []


def test_no_folder_is_spelled_as_a_prefix_of_its_modules() -> None:
    assert crowded_prefixes(product()) == []


def test_a_class_that_is_cut_into_a_chain_is_found() -> None:
    chain = modules(a="class A: ...\nclass B(A): ...", b="import a\nclass C(a.B): ...")
    assert list(Families(chain).offenders()) == ["b.py C: 3 lines, 3 deep"]


def test_a_class_that_is_large_with_its_base_is_found() -> None:
    half = "\n".join(["    x = 1"] * 200)
    halves = modules(a=f"class A:\n{half}", b=f"class B(A[int]):\n{half}")
    assert list(Families(halves).offenders()) == ["b.py B: 402 lines, 2 deep"]


def test_errors_may_be_deeper() -> None:
    errors = modules(errors="class A(Exception): ...\nclass B(A): ...\nclass C(B): ...")
    assert list(Families(errors).offenders()) == []


def test_a_prefix_that_three_modules_share_is_found() -> None:
    crowd = ["a/order_x.py", "a/order_y.py", "a/order_z.py", "a/b_1.py", "a/b_2.py"]
    assert crowded_prefixes(crowd) == ["a/order_*"]

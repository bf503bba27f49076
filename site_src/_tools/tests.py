"""Which test proves which sentence, read from the tests' source without importing it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .regions import read


@dataclass(frozen=True, slots=True)
class Proof:
    """One test that carries a claim's id."""

    claim: str
    path: str
    name: str
    line: int
    end: int

    @property
    def id(self) -> str:
        """As pytest writes it, without parameters."""
        return f"{self.path}::{self.name}"

    def source(self, root: Path) -> str:
        """The test as it stands in its file."""
        return "\n".join(
            (root / self.path).read_text("utf-8").splitlines()[self.line - 1 : self.end]
        )


def proofs(root: Path) -> list[Proof]:
    """Every `@pytest.mark.claim(…)` below tests/."""
    found: list[Proof] = []
    for path in sorted((root / "tests").rglob("*.py")):
        name = path.relative_to(root).as_posix()
        found += marked(ast.parse(read(path), name), name)
    return found


def marked(tree: ast.Module, path: str) -> Iterator[Proof]:
    """The tests of one module that carry a claim."""
    shared = [
        id
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "pytestmark"
        for id in claims(node.value)
    ]
    yield from members(tree.body, path, "", shared)


def members(body: list[ast.stmt], path: str, prefix: str, inherited: list[str]) -> Iterator[Proof]:
    """The tests of a module's or class's body."""
    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        own = inherited + [id for decorator in node.decorator_list for id in claims(decorator)]
        name = f"{prefix}{node.name}"
        if isinstance(node, ast.ClassDef):
            yield from members(node.body, path, f"{name}::", own)
        elif node.name.startswith("test"):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            for id in own:
                yield Proof(id, path, name, first, node.end_lineno or node.lineno)


def claims(tree: ast.AST) -> Iterator[str]:
    """The ids of all `….mark.claim("id")` inside an expression."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("mark.claim"):
            yield from (str(arg.value) for arg in node.args if isinstance(arg, ast.Constant))

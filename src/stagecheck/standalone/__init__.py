"""What a reproducer needs to judge by itself. Copied into it, so these files know nothing of stagecheck."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable
from functools import cache
from types import ModuleType


def source_of(module: ModuleType, wanted: Iterable[str]) -> str:
    """The source of some functions of a module, with all that they need of it and of the standard library."""
    return _source_of(module, tuple(sorted(set(wanted))))


@cache
def _source_of(module: ModuleType, wanted: tuple[str, ...]) -> str:
    text = inspect.getsource(module)
    tree = ast.parse(text)
    defined = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    needed: list[str] = []
    waiting = list(wanted)
    used: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in needed or name not in defined:
            continue
        needed.append(name)
        names = {node.id for node in ast.walk(defined[name]) if isinstance(node, ast.Name)}
        used |= names
        waiting += sorted(names)
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom) and _serves(node, used)]
    parts = [ast.get_source_segment(text, defined[name]) or "" for name in defined if name in needed]
    return "\n".join(ast.unparse(node) for node in imports) + "\n\n\n" + "\n\n\n".join(parts)


def _serves(node: ast.Import | ast.ImportFrom, used: set[str]) -> bool:
    return any((alias.asname or alias.name) in used for alias in node.names)

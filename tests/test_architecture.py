"""The layers, read from the imports (those inside functions too): no edge but those of the table.

`suite` never imports `mock`, and `target` never imports `mock`: only layers above join them.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import stagecheck

ROOT = Path(stagecheck.__file__).parent
MODULES = {
    ".".join(("stagecheck", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}
LONGEST = 450

FACTS = frozenset({"errors", "outcome", "exchange", "operations", "witness", "standalone", "sarif", "__init__"})
"""Layer 0: nothing of ours but each other. The package itself holds its version and nothing else."""
_ANY = None
ALLOWED: dict[str, frozenset[str] | None] = {
    **dict.fromkeys(FACTS, FACTS),
    "spec": FACTS | {"spec"},
    "contract": FACTS | {"contract"},
    "model": FACTS | {"model"},
    "wire": FACTS | {"model", "wire"},
    "target": FACTS | {"model.state", "target"},
    "mock": FACTS | {"spec", "model", "wire", "mock"},
    "linear": frozenset({"linear"}),
    "suite": FACTS | {"spec", "contract", "model", "wire", "target", "linear", "suite"},
    "report": FACTS | {"contract", "report"},
    "drift": FACTS | {"spec", "drift"},
    # Layers 4 and 5 join what the lower ones keep apart.
    "expectations": FACTS | {"contract", "config_values", "suite.grading", "suite.plan", "expectations"},
    "audit": FACTS | {"spec", "contract", "model", "wire", "target", "mock", "suite", "embedded", "audit"},
    "compare": FACTS | {"spec", "model", "wire", "target", "mock", "suite", "embedded", "compare"},
    **dict.fromkeys(
        (
            "embedded",
            "rehearsal",
            "launch",
            "keeping",
            "loans",
            "config",
            "config_values",
            "cli",
            "commands",
            "pytest_plugin",
            "__main__",
        ),
        _ANY,
    ),
}
"""Which part may import which; a part is a module or package of `stagecheck`. None: anything."""

ONLY_IN: dict[str, frozenset[str]] = {
    "schemathesis": frozenset({"spec.cases"}),
    "hypothesis": frozenset({"spec.cases", "spec.bodies", "spec.diff.patterns", "suite.machine", "suite.properties"}),
    "hypothesis_jsonschema": frozenset(),
    "respx": frozenset({"target.reach", "mock.routing"}),
    "tomlkit": frozenset({"expectations.edit"}),
    "yaml": frozenset({"spec.reading", "spec.writing", "mock.scenario_file"}),
    "jinja2": frozenset({"report.html.page"}),
    "markupsafe": frozenset({"report.html.page"}),
    "openapi_spec_validator": frozenset({"spec.validity"}),
    "jsonpath_rfc9535": frozenset({"spec.overlay"}),
    "uvicorn": frozenset({"mock.server"}),
    "orjson": frozenset({"mock.app"}),
    "harfile": frozenset({"report.har"}),
    "filelock": frozenset({"target.lock"}),
}
"""Libraries that a few modules only know: they take long to import, or belong behind a seam."""

FRONT_ENDS = frozenset({"cli", "commands", "pytest_plugin", "__main__"})


def imported(path: Path, module: str) -> Iterator[str]:
    """Every module that a file imports, wherever the import stands; `from x import y` counts as x and as x.y."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join((*parts, base)) if base else ".".join(parts)
            names = [f"{base}.{alias.name}" for alias in node.names]
            inner = [name for name in names if name in MODULES]
            yield from inner or [base]
            if base in MODULES and len(inner) < len(names):
                yield base


def ours(module: str) -> str:
    """A module of ours without the package's name."""
    return module.removeprefix("stagecheck").removeprefix(".") or "__init__"


def edges(module: str) -> set[str]:
    """The modules of ours that a module imports."""
    found = {name for name in imported(MODULES[module], module) if name.split(".")[0] == "stagecheck"}
    return {ours(name) for name in found} - {ours(module)}


def permitted(part: str, target: str) -> bool:
    allowed = ALLOWED[part]
    return allowed is None or any(target == name or target.startswith(f"{name}.") for name in allowed)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_its_layer_may(module: str) -> None:
    part = ours(module).split(".")[0]
    assert part in ALLOWED, f"{module} belongs to no layer: give it one here and in ARCHITECTURE.md"
    assert [target for target in sorted(edges(module)) if not permitted(part, target)] == []


@pytest.mark.parametrize("module", MODULES)
def test_a_library_is_imported_only_where_it_belongs(module: str) -> None:
    libraries = {name.split(".")[0] for name in imported(MODULES[module], module)} & set(ONLY_IN)
    assert [library for library in sorted(libraries) if ours(module) not in ONLY_IN[library]] == []


@pytest.mark.parametrize("module", MODULES)
def test_a_module_can_be_read_at_one_sitting(module: str) -> None:
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("lower", ["suite", "target", "model", "wire", "spec", "contract"])
@pytest.mark.parametrize("higher", ["mock", "audit", "report", "embedded"])
def test_the_edges_that_must_never_be(lower: str, higher: str) -> None:
    for module in MODULES:
        if ours(module).split(".")[0] == lower:
            assert not [target for target in edges(module) if target.split(".")[0] == higher], module


def test_nothing_imports_a_front_end_but_front_ends() -> None:
    for module in MODULES:
        if ours(module).split(".")[0] not in FRONT_ENDS:
            found = {target.split(".")[0] for target in edges(module)} & FRONT_ENDS
            assert not found, module


@pytest.mark.parametrize("module", ["stagecheck.cli", "stagecheck.suite.runner", "stagecheck.spec"])
def test_what_takes_long_to_import_is_imported_when_it_is_needed(module: str) -> None:
    late = "'hypothesis', 'schemathesis', 'openapi_spec_validator', 'jsonpath_rfc9535', 'jinja2'"
    script = f"import sys, {module}; print(*({{{late}}} & set(sys.modules)))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT.parent)}
    run = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=True, timeout=60)
    assert run.stdout.split() == []


def test_there_is_no_cycle_among_modules() -> None:
    graph = {ours(module): edges(module) for module in MODULES}
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " → ".join((*way, module))
        if module in done or module not in graph:
            return
        for target in sorted(graph[module]):
            visit(target, (*way, module))
        done.add(module)

    for module in graph:
        visit(module, ())


def test_imports_are_seen_wherever_they_stand(tmp_path: Path) -> None:
    """The reader itself: at the top, in functions, relative, and of names as well as of modules."""
    source = tmp_path / "example.py"
    source.write_text(
        "import stagecheck.mock.app\n"
        "from stagecheck.model import step\n"
        "from stagecheck.outcome import Grade\n"
        "def late():\n"
        "    from stagecheck import audit\n"
        "    from . import plan\n"
        "    from ..wire import spell\n"
    )
    found = set(imported(source, "stagecheck.suite.example"))
    assert {
        "stagecheck.mock.app",
        "stagecheck.model.step",
        "stagecheck.outcome",
        "stagecheck.audit",
        "stagecheck.suite.plan",
        "stagecheck.wire.spell",
    } <= found

"""pytest: one item per requirement of the contract, all judged by one run; the mock as the fixture `stagecheck_mock`.

`--stagecheck` adds the items to any session; a test directory of one's own may collect `Requirements` instead (as
tests/contract does). The run happens once, when the first item needs it, over the selected requirements alone; under
xdist one worker makes it and the others read what it found, so no two runs move the same services.

pytest imports this module at every start: it imports nothing heavy before an item is collected or run.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from stagecheck.contract import Requirement
    from stagecheck.launch import Launch
    from stagecheck.mock.handle import MockTarget
    from stagecheck.mock.server import Server

    MockFactory = Callable[..., MockTarget]

Judged = dict[str, Any]
"""What a run found, as JSON: `grades` (id → grade, reason, exercised, texts), `summary`, `notes`; or `error` alone.

Of each grade, `texts` and `messages` tell of violations that are not known, `stale` of entries of expect.toml that fail
the run.
"""

_JUDGED = pytest.StashKey[Judged]()
_SHARED = pytest.StashKey[Path]()
_COLLECTED = pytest.StashKey[bool]()
_GROUP = "stagecheck"
_SHARED_INPUT = "stagecheck_shared"
_SUMMARY, _NOTE, _FINDING = "stagecheck_summary", "stagecheck_note", "stagecheck_finding"
_POLL_S = 0.05
_MARKER = (
    "stagecheck_mock(scenario=None, reading=None, defect=None, latency_ms=0, fail_rate=0, rate_limit=None, seed=0): "
    "what the fixture stagecheck_mock serves"
)


# ---------------------------------------------------------------------- options


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, each named as its counterpart of `stagecheck verify`."""
    group = parser.getgroup("stagecheck", "conformance of deployment stages, one item per requirement")
    add = group.addoption
    add("--stagecheck", action="store_true", help="add one item per requirement to this session")
    add("--stagecheck-config", metavar="FILE", help="the stagecheck.toml of a live target (default: a mocked one)")
    add(
        "--stagecheck-profile",
        choices=("quick", "nightly", "exhaustive"),
        default="nightly",
        help="how much to send (default: nightly)",
    )
    add(
        "--stagecheck-seed", type=int, default=0, metavar="N", help="the same seed sends the same requests (default: 0)"
    )
    add("--stagecheck-allow-writes", action="store_true", help="move services of a target not on this machine")
    add("--stagecheck-production", action="store_true", help="write to a host that looks like production, too")
    add("--stagecheck-strict", action="store_true", help="a broken SHOULD fails instead of being an expected failure")
    add(
        "--stagecheck-reading",
        choices=("move-and-skip", "move-unskips", "skip-in-place", "refuse"),
        help="pin what a skip to another stage has to mean (SKIP-2)",
    )
    add("--stagecheck-spec", metavar="FILE", help="an OpenAPI document in place of the packaged one")
    add(
        "--stagecheck-expect",
        metavar="FILE",
        help="the violations that are known (default: the expect.toml next to the config)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and refuse a wrong config before anything is collected, if the items are asked for."""
    config.addinivalue_line("markers", _MARKER)
    if config.getoption("stagecheck") and not hasattr(config, "workerinput"):
        problem = _problem(config)
        if problem:
            raise pytest.UsageError(f"stagecheck: {problem}")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give every xdist worker the directory in which one of them leaves what the run found."""
    config = node.config
    if _SHARED not in config.stash:
        config.stash[_SHARED] = Path(tempfile.mkdtemp(prefix="stagecheck-"))
    node.workerinput[_SHARED_INPUT] = str(config.stash[_SHARED])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove that directory."""
    if _SHARED in config.stash:
        shutil.rmtree(config.stash[_SHARED], ignore_errors=True)


def _prepared(config: pytest.Config, only: Iterable[str] = ()) -> Launch:
    """A run as the options want it. Raises UsageError."""
    from stagecheck.launch import Wanted, prepare  # noqa: PLC0415 - heavy

    def path(name: str) -> Path | None:
        value = config.getoption(name, None)
        return Path(config.invocation_params.dir, value) if value else None

    return prepare(
        Wanted(
            config=path("stagecheck_config"),
            spec=path("stagecheck_spec"),
            profile=config.getoption("stagecheck_profile", "nightly"),
            only=tuple(only),
            seed=config.getoption("stagecheck_seed", 0),
            reading=config.getoption("stagecheck_reading", None),
            allow_writes=config.getoption("stagecheck_allow_writes", default=False),
            allow_option="--stagecheck-allow-writes",
            production=config.getoption("stagecheck_production", default=False),
            production_option="--stagecheck-production",
            expect=path("stagecheck_expect"),
            strict=config.getoption("stagecheck_strict", default=False),
        )
    )


def _problem(config: pytest.Config) -> str | None:
    """What is wrong with the options or the config, or None."""
    from stagecheck.errors import StagecheckError  # noqa: PLC0415 - nothing of ours is imported at pytest's start

    try:
        _prepared(config)
    except StagecheckError as error:
        return str(error)
    return None


# ---------------------------------------------------------------------- collecting


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the items, before -k and -m choose among them, unless a directory of the session has collected them."""
    if config.getoption("stagecheck") and not session.stash.get(_COLLECTED, False):
        collector = Requirements.from_parent(session, path=config.rootpath / "stagecheck")
        items.extend(item for item in session.genitems(collector) if isinstance(item, pytest.Item))


class Requirements(pytest.File):
    """Collects one item per requirement, in the order of the contract."""

    def collect(self) -> Iterator[RequirementItem]:
        """Yield the items. Raises CollectError with one line when the config is wrong."""
        from stagecheck.contract import CATALOGUE  # noqa: PLC0415 - not at pytest's start

        problem = _problem(self.config)
        if problem:
            raise self.CollectError(f"stagecheck: {problem}")
        self.session.stash[_COLLECTED] = True
        for entry in CATALOGUE.values():
            yield RequirementItem.from_parent(self, name=entry.id, requirement=entry)


class RequirementItem(pytest.Item):
    """One requirement. It errors when it could not be judged, and skips when it was not tried: neither is a pass."""

    def __init__(self, *, requirement: Requirement, **of_node: Any) -> None:
        super().__init__(**of_node)
        self.requirement = requirement
        self.found: Judged = {}
        if self.config.pluginmanager.hasplugin("xdist"):
            self.add_marker(pytest.mark.xdist_group(_GROUP))

    def setup(self) -> None:
        """Make the run, if no item did so before; what could not be judged ends here, as an error."""
        stash = self.session.stash
        if _JUDGED not in stash:
            stash[_JUDGED] = _judge(self.session)
            self._tell_of_the_run(stash[_JUDGED])
        judged = stash[_JUDGED]
        if "error" in judged:
            _fail(judged["error"])
        self.found = judged["grades"][self.requirement.id]
        if self.found["grade"] == "inconclusive":
            _fail(f"{self.requirement.id} is inconclusive: {self.found['reason']}")

    def runtest(self) -> None:
        """Turn the grade into pytest's outcome."""
        grade, reason, texts = self.found["grade"], self.found["reason"], self.found["texts"]
        self.user_properties += [("stagecheck_grade", grade), ("stagecheck_exercised", self.found["exercised"])]
        strict = self.config.getoption("stagecheck_strict", default=False)
        stale = self.found.get("stale", [])
        if grade == "fail" or (grade == "non-strict" and strict) or stale:
            _fail("\n\n".join([*texts, *stale]))
        if grade == "non-strict":
            # Not pytest.xfail(): under --runxfail that does nothing, and this would pass.
            raise pytest.xfail.Exception("; ".join(self.found["messages"]))
        if grade in ("not-tested", "not-offered", "known"):
            pytest.skip(f"{grade}: {reason}")
        if grade == "open":
            self.user_properties.append((_FINDING, f"{self.requirement.id}: {reason or 'nothing found'}"))
            self.add_report_section("call", "stagecheck", f"{self.requirement.text}\nfound: {reason or 'nothing'}")

    def reportinfo(self) -> tuple[os.PathLike[str], int | None, str]:
        """Where pytest says that the item stands: it has no line of code."""
        return self.path, None, self.name

    def _tell_of_the_run(self, judged: Judged) -> None:
        if "summary" in judged:
            self.user_properties.append((_SUMMARY, judged["summary"]))
        self.user_properties += [(_NOTE, note) for note in judged.get("notes", ())]


def _fail(text: str) -> NoReturn:
    """Fail with that text and no traceback: it is the target that is wrong, not a line of code."""
    raise pytest.fail.Exception(text, pytrace=False)


# ---------------------------------------------------------------------- running


def _judge(session: pytest.Session) -> Judged:
    """What the run over the selected items found; under xdist made by one worker and read by the others."""
    chosen = [item.requirement.id for item in session.items if isinstance(item, RequirementItem)]
    shared = getattr(session.config, "workerinput", {}).get(_SHARED_INPUT)
    if shared is None:
        return _run(session.config, chosen)
    return _once(Path(shared), lambda: _run(session.config, chosen))


def _run(config: pytest.Config, chosen: list[str]) -> Judged:
    from stagecheck.errors import SelectionError, StagecheckError  # noqa: PLC0415 - not at pytest's start

    try:
        launch = _prepared(config, chosen)
    except SelectionError as error:
        untried = {"grade": "not-tested", "reason": str(error), "exercised": 0, "texts": [], "messages": []}
        return {"grades": dict.fromkeys(chosen, untried)}
    except StagecheckError as error:
        return {"error": f"stagecheck: {error}"}
    try:
        judged = _judged(launch)
    except StagecheckError as error:
        return {"error": f"stagecheck: {launch.redactor.text(str(error))}"}
    if launch.interrupted:
        raise KeyboardInterrupt
    return judged


def _judged(launch: Launch) -> Judged:
    from stagecheck.report.expectations import complaints, doubts  # noqa: PLC0415 - heavy
    from stagecheck.report.record import record_of  # noqa: PLC0415 - heavy
    from stagecheck.report.terminal import headline, violation_text  # noqa: PLC0415 - heavy

    record = record_of(launch.run(), launch.redactor)
    stale = complaints(record)
    grades = {}
    for entry in record["requirements"]:
        mine = [violation for violation in record["violations"] if violation["requirement"] == entry["id"]]
        found = [violation for violation in mine if not violation["known"]]
        grades[entry["id"]] = {
            "grade": entry["grade"],
            "reason": entry["reason"],
            "exercised": entry["exercised"],
            "texts": [violation_text(violation) for violation in found],
            "messages": [violation["message"] for violation in found],
            "stale": [line for requirement, line in stale if requirement == entry["id"]],
        }
    where = "the embedded mocked target" if record["target"]["mocked"] else record["target"]["url"]
    summary = f"{headline(record).plain} ({where}, {record['requests']} requests, seed {record['seed']})"
    told = record["expectations"]
    known = [f"{told['file']}: {told['known']} known", *(line for _, line in stale), *doubts(record)] if told else []
    return {"grades": grades, "summary": summary, "notes": [*record["notes"], *known]}


def _once(directory: Path, run: Callable[[], Judged]) -> Judged:
    """The result of `run`, called by the first process that comes here; the others wait for it and read it."""
    claim, result = directory / "claim", directory / "result.json"
    try:
        descriptor = os.open(claim, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        return _awaited(claim, result)
    with os.fdopen(descriptor, "w") as file:
        file.write(str(os.getpid()))
    judged: Judged = {"error": "stagecheck: the run that another worker made did not end"}
    try:
        judged = run()
    finally:
        ready = result.with_suffix(".part")
        ready.write_text(json.dumps(judged), encoding="utf-8")
        ready.replace(result)
    return judged


def _awaited(claim: Path, result: Path) -> Judged:
    while not result.exists():
        time.sleep(_POLL_S)
        pid = claim.read_text(encoding="ascii")
        if pid and not result.exists() and not _alive(int(pid)):
            return {"error": "stagecheck: the worker that made the run has died; run again with fewer workers (-n 0)"}
    judged: Judged = json.loads(result.read_text(encoding="utf-8"))
    return judged


def _alive(pid: int) -> bool:
    """Whether a process of this machine still runs; where that cannot be asked (Windows), it is believed to."""
    if os.name == "nt":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


# ---------------------------------------------------------------------- the mock as a fixture


@pytest.fixture(scope="session")
def _stagecheck_servers() -> Iterator[list[Server]]:
    """Servers that are up and have no mock to serve at present: a test takes one and brings it back."""
    idle: list[Server] = []
    yield idle
    for server in idle:
        server.ask_to_stop()
    for server in idle:
        server.stop()


@pytest.fixture
def stagecheck_mocks(_stagecheck_servers: list[Server], request: pytest.FixtureRequest) -> Iterator[MockFactory]:
    """Make mocks over HTTP, on 127.0.0.1, that last as long as the test: `stagecheck_mocks(reading="refuse")`.

    It takes what the marker `stagecheck_mock` takes, and answers a `stagecheck.mock.MockTarget`.
    """
    from stagecheck.loans import Loans  # noqa: PLC0415 - nothing of ours is imported at pytest's start

    with Loans(_stagecheck_servers, request.path.parent) as loans:
        yield loans.make


@pytest.fixture
def stagecheck_mock(stagecheck_mocks: MockFactory, request: pytest.FixtureRequest) -> MockTarget:
    """A mock over HTTP, fresh for this test. `@pytest.mark.stagecheck_mock(reading="refuse")` says which one."""
    from stagecheck.errors import StagecheckError  # noqa: PLC0415 - nothing of ours is imported at pytest's start

    marker = request.node.get_closest_marker("stagecheck_mock")
    try:
        return stagecheck_mocks(*marker.args, **marker.kwargs) if marker else stagecheck_mocks()
    except (StagecheckError, TypeError) as error:
        problem = f"stagecheck_mock: {error}"
    _fail(problem)


# ---------------------------------------------------------------------- the end of the session


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what the run found besides passes and failures: the verdict, what stayed open, notes."""
    told: dict[str, dict[str, None]] = {_SUMMARY: {}, _FINDING: {}, _NOTE: {}}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name in told:
                    told[name].setdefault(str(value))
    if any(told.values()):
        terminalreporter.section("stagecheck")
        for line in (line for lines in told.values() for line in lines):
            terminalreporter.line(line)

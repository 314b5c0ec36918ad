"""The fixtures `stagecheck_mock` and `stagecheck_mocks`, in sessions of their own."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable

import httptools  # noqa: F401 - a session in this process must not be the first to import a C extension: it is undone
import pytest
import uvloop  # noqa: F401 - the same

pytest_plugins = ["pytester"]
INSTALLED = any(point.name == "stagecheck" for point in importlib.metadata.entry_points(group="pytest11"))
PLUGIN = () if INSTALLED else ("-p", "stagecheck.pytest_plugin")
Run = Callable[..., pytest.RunResult]
SCENARIO = "environments: {production: {stages: {BUILD: {services: {api: }}, DEPLOY: }}}"


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    def ran(code: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile(f"import httpx, pytest\n{code}")
        return pytester.runpytest_inprocess(*PLUGIN, "-p", "no:cacheprovider", "--strict-markers", *options)

    return ran


def test_every_test_has_a_mock_of_its_own(run: Run) -> None:
    code = """
urls = []

@pytest.mark.parametrize("time", range(3))
def test_move(time, stagecheck_mock):
    mock = stagecheck_mock
    assert (mock.stage_of("api"), mock.requests) == ("APPLICATION DEFAULT", [])
    path = f"/deploymentStage/{mock.stages['LAST']}/service/{mock.services['api']}"
    assert httpx.put(mock.url + path, headers=mock.headers).status_code == 200
    assert (mock.stage_of("api"), len(mock.requests)) == ("LAST", 1)
    urls.append(mock.url)

def test_one_server_did_it_and_shows_nothing_now():
    assert len(set(urls)) == 1
    assert httpx.get(urls[0]).status_code == 503
"""
    run(code).assert_outcomes(passed=4)


def test_the_marker_says_which_mock_it_is(run: Run, pytester: pytest.Pytester) -> None:
    place = pytester.mkdir("inner")
    (place / "scenario.yaml").write_text(SCENARIO)
    (place / "test_inner.py").write_text(
        "import pytest\n"
        "@pytest.mark.stagecheck_mock('scenario.yaml', reading='refuse')\n"
        "def test_beside(stagecheck_mock):\n"
        "    assert list(stagecheck_mock.stages) == ['BUILD', 'DEPLOY']\n"
        "    assert stagecheck_mock.state()['reading'] == 'refuse'\n"
    )
    code = """
@pytest.mark.stagecheck_mock(defect="false-is-flag-only")
class TestDefect:
    def test_of_the_class(self, stagecheck_mock):
        mock = stagecheck_mock
        path = f"/deploymentStage/{mock.stages['LAST']}/service/{mock.services['api']}"
        httpx.put(mock.url + path, headers=mock.headers, json={"is_skipped": False}).raise_for_status()
        assert mock.stage_of("api") != "LAST"

    @pytest.mark.stagecheck_mock(fail_rate=1)
    def test_of_its_own(self, stagecheck_mock):
        assert httpx.get(stagecheck_mock.url).headers["stagecheck-fault"] == "fail-rate"
"""
    run(code).assert_outcomes(passed=3)


def test_several_at_once(run: Run) -> None:
    code = """
def test_both(stagecheck_mock, stagecheck_mocks):
    scenario = {"environments": {"lab": {"stages": {"ONLY": {"services": {"probe": None}}}}}}
    other = stagecheck_mocks(scenario)
    assert other.url != stagecheck_mock.url
    assert (other.stage_of("probe"), stagecheck_mock.stage_of("api")) == ("ONLY", "APPLICATION DEFAULT")
"""
    run(code).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("marked", "said"),
    [
        ("readin='refuse'", "stagecheck_mock: there is no 'readin' to choose; did you mean reading?"),
        ("xyz=1", "stagecheck_mock: there is no 'xyz' to choose; there are scenario, reading, defect, latency_ms,"),
        ("reading='refused'", "stagecheck_mock: there is no reading 'refused'; known are move-and-skip,"),
        ("defect='false-is-flags-only'", "stagecheck_mock: there is no defect 'false-is-flags-only'; did you mean"),
        ("scenario='nowhere.yaml'", "stagecheck_mock: cannot read the scenario *nowhere.yaml: No such file"),
        ("latency_ms=-1", "stagecheck_mock: a latency of -1 to -1 ms; give from 0"),
    ],
)
def test_a_wrong_marker_is_one_line(marked: str, said: str, run: Run) -> None:
    result = run(f"@pytest.mark.stagecheck_mock({marked})\ndef test_it(stagecheck_mock): pass")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"{said}*"])
    assert "Traceback" not in result.stdout.str()
    assert "pytest_plugin.py" not in result.stdout.str()


def test_a_mock_that_breaks_is_an_error_of_the_test(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from stagecheck.mock.app import Mock  # noqa: PLC0415 - to break it here and nowhere else

    def broken(*_: object) -> None:
        raise RuntimeError("no reason")

    monkeypatch.setattr(Mock, "handle", broken)
    result = run("def test_it(stagecheck_mock): assert httpx.get(stagecheck_mock.url).status_code == 500")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*the mock failed: RuntimeError: no reason*"])


def test_the_marker_is_registered_and_explained(run: Run) -> None:
    assert "@pytest.mark.stagecheck_mock(scenario=None, reading=None" in run("", "--markers").stdout.str()

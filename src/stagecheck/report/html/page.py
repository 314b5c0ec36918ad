"""`report.html`: a record as one page that needs nothing else, and lets nothing in.

Whatever comes from a record is escaped by the template engine, after the characters that HTML forbids have been
escaped by `text.shown`. A policy in the page itself allows its one style sheet and its one script, by their hashes, and
nothing besides: no request, no other script, no form. Without the script everything can still be read and filtered.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from stagecheck.report.expectations import complaints, doubts
from stagecheck.report.html.charts import WIDTH, grades_of, latencies_of, phases_of, walks_of
from stagecheck.report.html.grades import GRADES, families, headline
from stagecheck.report.html.text import plural, shown
from stagecheck.report.html.violations import anchors, violations_of
from stagecheck.report.ladder import ladder_of, next_step, standing
from stagecheck.report.record import Record
from stagecheck.report.sequences import sentences

_HERE = "stagecheck.report.html"


def html_of(record: Record) -> str:
    """The record as one HTML page, to be written in UTF-8. `record` is one that `read_record` has let through."""
    violations, left_out = violations_of(record)
    ladder = record.get("ladder") or ladder_of(record["requirements"])
    top = headline(record)
    return page_of(
        "page",
        record=record,
        top=top,
        spectrum=grades_of(top.counts),
        signs=GRADES,
        violations=violations,
        left_out=left_out,
        families=families(record, anchors(violations)),
        ladder=ladder,
        standing=standing(ladder),
        next_step=next_step(ladder),
        readings=[(what, how) for what, how in record["reading"].items()],
        tried=list(sentences(record)),
        walks=walks_of(record),
        phases=phases_of(record),
        latencies=latencies_of(record),
        bar_width=WIDTH,
        complaints=[line for _, line in complaints(record)],
        doubts=doubts(record),
    )


def page_of(
    name: str, styles: tuple[str, ...] = ("page.css",), scripts: tuple[str, ...] = ("page.js",), **told: Any
) -> str:
    """A page made of one of our templates, with its style and its script in it, and a policy that allows no more."""
    style, script = (Markup("\n").join(map(_asset, names)) for names in (styles, scripts))
    template = _environment().get_template(f"{name}.html.j2")
    return template.render(style=style, script=script, policy=_policy(style, script), **told)


def _policy(style: str, script: str) -> str:
    """What the page may do, as a content security policy (CSP 3): its own style and script, and nothing besides."""
    allowed = _hash(script) if script else "'none'"
    return f"default-src 'none'; style-src {_hash(style)}; script-src {allowed}; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _asset(name: str) -> Markup:
    # Ours, and read from the package: the only text that goes into the page as it is.
    return Markup(files(_HERE).joinpath("templates", name).read_text(encoding="utf-8").strip())  # noqa: S704


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalized,
    )
    environment.globals["plural"] = plural
    return environment


def _finalized(value: Any) -> Any:
    """Every text that a template prints, without the characters that HTML forbids; markup is ours and stays."""
    return shown(value, 40_000) if isinstance(value, str) and not isinstance(value, Markup) else value

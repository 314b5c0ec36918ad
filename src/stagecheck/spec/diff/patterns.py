"""A text that a regular expression matches and that is wanted, looked for by Hypothesis.

The only module here that imports it, which takes a while.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException


def text_of(pattern: str, wanted: Callable[[str], bool], tries: int) -> str | None:
    """The simplest text found; None where none is, or where Python does not understand the pattern."""
    try:
        texts = st.from_regex(re.compile(pattern))
        quiet = settings(
            max_examples=tries,
            database=None,
            derandomize=True,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        return find(texts, wanted, settings=quiet)
    except (re.error, HypothesisException, OverflowError):
        return None

"""Pytest at the root: our own tests, and one item per requirement against the mocked target (tests/contract)."""

import iregexp_check  # noqa: F401
import jsonschema_rs  # noqa: F401

# Extensions that a process can load only once: before a run of pytest within a test puts the modules back as they were.

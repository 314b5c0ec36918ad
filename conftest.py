"""Pytest at the root: our own tests, and one item per requirement against the mocked target (tests/contract)."""

# Extensions that a process can load only once: they are there before a run of pytest within a test, which puts the
# modules back as they were.
import iregexp_check  # noqa: F401
import jsonschema_rs  # noqa: F401

"""Pytest at the root: our own tests, and one item per requirement against the mocked target (tests/contract)."""

"""The command line called in this process, in a directory of its own, as in the tests of the front ends."""

from __future__ import annotations

from front.conftest import call, elsewhere

__all__ = ["call", "elsewhere"]

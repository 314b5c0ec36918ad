"""The command line, called in this process, in a directory of its own: as the tests of the front ends call it."""

from front.conftest import call, elsewhere

__all__ = ["call", "elsewhere"]

"""Is this document still the contract? Held against it: validity, operations, shapes, security, examples, words.

What the contract says is an error where the document says otherwise, and a warning where it says nothing of it.
"""

from __future__ import annotations

from stagecheck.spec.lint.check import Checked, check
from stagecheck.spec.lint.findings import RULES, Finding, Rule, Severity

__all__ = ["RULES", "Checked", "Finding", "Rule", "Severity", "check"]

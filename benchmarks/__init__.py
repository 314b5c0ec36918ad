"""Measurements, never tests: `make bench`. Quote ratios from one run; single times depend on the machine.

Some measure with what the tests are made of (tests/kit).
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

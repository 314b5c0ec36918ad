"""`python -m stagecheck`: the same as the command `stagecheck`."""

from __future__ import annotations

import sys

from stagecheck.cli import main

if __name__ == "__main__":
    sys.exit(main())

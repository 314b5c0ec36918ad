"""stagecheck: does a target keep the contract of moving and skipping services among deployment stages? The command is in `cli`."""

__version__ = "0.1.0"

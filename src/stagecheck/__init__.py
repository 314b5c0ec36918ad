"""stagecheck: does a target keep the contract of moving and skipping services among deployment stages?"""

__version__ = "0.1.0"

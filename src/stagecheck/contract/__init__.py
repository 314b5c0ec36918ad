"""The requirement catalogue and the fidelity ladder: two tables, nothing else."""

from stagecheck.contract.catalogue import CATALOGUE, Requirement, requirement, select
from stagecheck.contract.ladder import RUNGS, Rung

__all__ = ["CATALOGUE", "RUNGS", "Requirement", "Rung", "requirement", "select"]

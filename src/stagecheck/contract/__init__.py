"""The requirement catalogue: a table, nothing else."""

from stagecheck.contract.catalogue import CATALOGUE, Requirement, requirement, select

__all__ = ["CATALOGUE", "Requirement", "requirement", "select"]

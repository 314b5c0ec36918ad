"""Tells whether a target keeps the contract of moving and skipping services among deployment stages."""

__version__ = "0.1.0"

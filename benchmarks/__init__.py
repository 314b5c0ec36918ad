"""Measurements, never tests: `make bench`. Quote ratios from one run; single times depend on the machine."""

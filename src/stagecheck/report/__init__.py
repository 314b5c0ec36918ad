"""The record of a run, written and read, and what is rendered from it. Knows nothing of how a run is made."""

"""The checks: what is sent, in which order, and the runner that judges a target by it."""

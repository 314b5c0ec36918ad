"""The deep tour: every sequence of k transitions from every abstract state, and an exact account of what was tried."""

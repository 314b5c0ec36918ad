"""State, step and worlds: the contract as a pure semantics. No HTTP, no Hypothesis, no clock."""

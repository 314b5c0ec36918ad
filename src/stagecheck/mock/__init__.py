"""Being a target: HTTP to `step` and back, with no rules of its own."""

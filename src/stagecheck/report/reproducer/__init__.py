"""From a violation to what others can send again: JSON for `replay`, a curl script, a pytest file."""

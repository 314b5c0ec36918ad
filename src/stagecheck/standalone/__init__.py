"""What a reproducer needs to judge by itself. Copied into it, so these files know nothing of stagecheck."""

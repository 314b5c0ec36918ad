"""One module per command, imported when the command is called. The table is in `stagecheck.cli`."""

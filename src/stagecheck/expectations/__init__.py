"""Known violations: `expect.toml` read, a result held against it, the file edited. Sends nothing, prints nothing."""

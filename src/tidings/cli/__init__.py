"""The command `tidings`. What a subcommand runs is imported when it runs: `--help` must not wait for it."""

"""Measurements: each beside a peer on the same server in the same run."""

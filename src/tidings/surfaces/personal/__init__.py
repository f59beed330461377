"""The personal contract: one user, one inbox."""

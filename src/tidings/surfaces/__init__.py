"""What the outside sees: one folder for each contract, all over the same core."""

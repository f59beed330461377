"""What leaves the inbox by other channels: who may be written to, and where."""

"""The domain: what is appended, what readers make of it, and what is therefore true."""

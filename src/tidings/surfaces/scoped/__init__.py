"""The scoped contract: one feed of a user, read through the scopes me, business and firm."""

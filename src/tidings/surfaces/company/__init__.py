"""The company contract: one inbox for all users of a company."""

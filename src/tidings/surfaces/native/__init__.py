"""The product's own contract: what its backend tells Tidings, with a service key."""

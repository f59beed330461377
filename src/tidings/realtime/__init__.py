"""News for who is connected: what there is to tell is read from the database once for all of them."""

"""What the HTTP figures stand beside: each a server of its own, on the same PostgreSQL."""

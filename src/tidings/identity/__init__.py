"""Who somebody is: accounts, passwords, sessions, tokens and keys."""

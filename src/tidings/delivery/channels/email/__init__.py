"""Notifications as e-mails: the words and how they look, and the message that bears them."""

"""Tidings: a notification inbox whose bulk operations and counts do not grow with the backlog."""

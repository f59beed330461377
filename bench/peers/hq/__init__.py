"""A Django project whose only application is django-notifications-hq, with its own views."""

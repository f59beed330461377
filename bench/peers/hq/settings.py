"""Django's settings: what the views need, nothing that would slow them down."""

from __future__ import annotations

import os
import sys
from types import ModuleType

from django.db.models import options
from packaging.version import Version

# What the package still asks of Django and of Python has gone from both. The index that it declares in this
# way is made by its migrations all the same.
options.DEFAULT_NAMES = (*options.DEFAULT_NAMES, "index_together")
_distutils, _version = ModuleType("distutils"), ModuleType("distutils.version")
_version.StrictVersion = Version  # type: ignore[attr-defined]
sys.modules |= {"distutils": _distutils, "distutils.version": _version}

SECRET_KEY = "a secret of the bench alone"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "notifications",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
ROOT_URLCONF = "bench.peers.hq.urls"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ["HQ_HOST"],
        "PORT": os.environ["HQ_PORT"],
        "NAME": os.environ["HQ_DATABASE"],
        "USER": "postgres",
        "CONN_MAX_AGE": None,  # a worker keeps its connection
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

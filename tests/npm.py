"""The tools of the widget, as npm has them."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path

WIDGET = Path(__file__).parent.parent / "widget"


@cache
def installed() -> Path:
    """The widget's folder, with what its lock file names."""
    lock, mark = WIDGET / "package-lock.json", WIDGET / "node_modules/.package-lock.json"
    if not mark.exists() or mark.stat().st_mtime < lock.stat().st_mtime:
        run("ci")
    return WIDGET


def run(*arguments: str, **environment: str) -> str:
    """What `npm` says. Raises AssertionError, with that, where it fails."""
    done = subprocess.run(
        ["npm", "--no-update-notifier", *arguments],
        cwd=WIDGET,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"npm {' '.join(arguments)}:\n{done.stdout}"
    return done.stdout

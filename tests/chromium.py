"""A Chromium for the tests: the one that is there, Debian's, or, for who may not install that, npm's."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests import npm

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
PACKAGED = Path(__file__).parent / "browser"
_QUIET = (
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"),
    *("--no-first-run", "--disable-gpu"),
)
_FONTS = """<?xml version="1.0"?>
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>{folder}/fonts</dir>
  <cachedir>{folder}/fonts-cache</cachedir>
</fontconfig>
"""


@dataclass(frozen=True, kw_only=True)
class Chromium:
    """A program, and what it needs to be started."""

    program: str
    sandboxed: bool
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


def installed() -> Chromium:
    """One that can be started. Raises RuntimeError where there is none, and none can be had."""
    is_root = os.geteuid() == 0
    if not _found() and is_root and shutil.which("apt-get"):
        quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
        subprocess.run(["apt-get", "update", "-qq"], check=False, **quiet)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"], check=True, **quiet
        )
    if found := _found():
        return Chromium(program=found, sandboxed=not is_root)
    if (platform.system(), platform.machine()) == ("Linux", "x86_64"):
        return packaged()
    raise RuntimeError("There is no Chromium here. On Debian and Ubuntu: apt-get install chromium")


def packaged() -> Chromium:
    """The one that `tests/browser/package-lock.json` names, with the libraries and a font that it needs.

    Without a sandbox, which takes a helper that only root can install; it opens no pages but the tests' own.
    """
    folder = npm.installed(PACKAGED) / "node_modules/.unpacked"
    if not folder.exists():
        partly = folder.with_name(".partly-unpacked")
        shutil.rmtree(partly, ignore_errors=True)
        partly.mkdir()
        npm.node("unpack.mjs", str(partly), folder=PACKAGED)
        (partly / "fonts.conf").write_text(_FONTS.format(folder=folder))
        partly.rename(folder)
    environment = {"LD_LIBRARY_PATH": str(folder / "lib"), "FONTCONFIG_FILE": str(folder / "fonts.conf")}
    return Chromium(program=str(folder / "chromium"), sandboxed=False, environment=environment)


def _found() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def browser() -> Generator[Browser]:
    """A running one, without a window. While it runs, no event loop can be started in this thread."""
    with started(installed()) as running:
        yield running


@contextmanager
def started(chromium: Chromium) -> Generator[Browser]:
    """The same of this one."""
    sandbox = () if chromium.sandboxed else ("--no-sandbox",)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=chromium.program,
            args=[*_QUIET, *sandbox],
            env={**os.environ, **chromium.environment},
        )
        yield running
        running.close()

"""How the code hangs together, read from its source: which part imports which, and what stays where."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tidings.settings import Settings

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src"

VALUES = ("model", "errors", "ids", "clock", "settings", "time_zones")
CORE = ("inbox", "identity", "delivery", "realtime")
BELOW = {
    **dict.fromkeys(VALUES, VALUES),
    "storage": VALUES,
    **dict.fromkeys(CORE, ("storage", *VALUES)),
    "client": (),
    "surfaces": (*CORE, "storage", *VALUES),
    "admin": (*CORE, "storage", *VALUES),
    "app": ("surfaces", "admin", *CORE, "storage", *VALUES),
    "demo": ("app", "surfaces", "admin", *CORE, "storage", *VALUES),
    "cli": ("demo", "app", "surfaces", "admin", *CORE, "storage", *VALUES),
    "__main__": ("cli",),
}
"""What each part of the package may import, itself aside."""

SIDEWAYS = {
    ("identity.directory", "inbox"): "who is added also gets a stream and positions, in one transaction"
}
"""The steps sideways, and why each is taken: (module, part)."""

SQL = {"sqlalchemy", "alembic", "asyncpg", "aiosqlite", "sqlite3"}


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Every module of the package by its dotted name, without `tidings.`"""
    for path in sorted((SOURCE / "tidings").rglob("*.py")):
        parts = path.relative_to(SOURCE / "tidings").with_suffix("").parts
        yield ".".join(parts).removesuffix(".__init__"), ast.parse(path.read_text(), str(path))


def imports(tree: ast.Module) -> Iterator[str]:
    """The dotted names that a module imports anywhere; of `from a import b` both a and a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names))


def upwards(module: str, tree: ast.Module) -> Iterator[str]:
    """What a module imports of the package though it may not."""
    part, surface = module.split(".")[0], module.split(".")[:2]
    for name in imports(tree):
        own = name.removeprefix("tidings.")
        if not name.startswith("tidings.") or module == "__init__":
            continue
        other = own.split(".")[0]
        if other != part and other not in BELOW.get(part, ()) and (module, other) not in SIDEWAYS:
            yield own
        # What the surfaces share stands beside their folders, and knows none of them.
        theirs = own.split(".")[:2]
        if part == other == "surfaces" and theirs != surface and SOURCE.joinpath("tidings", *theirs).is_dir():
            yield own


def test_imports_point_down() -> None:
    assert {(module, name) for module, tree in modules() for name in upwards(module, tree)} == set()


def test_every_part_has_its_place() -> None:
    assert {module.split(".")[0] for module, _ in modules()} <= {"__init__", *BELOW}


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("storage.feed", "from tidings.inbox import feed"),
        ("inbox.feed", "from tidings.identity.tokens import digest"),
        ("identity.tokens", "from tidings import inbox"),
        ("delivery.jobs", "import tidings.realtime.hub"),
        ("surfaces.scoped.app", "from tidings.surfaces.personal import schemas"),
        ("surfaces.scoped.app", "from tidings.surfaces import personal"),
        ("surfaces.scoped.app", "def f():\n    from tidings.app import create_app"),
        ("app", "from tidings.cli.main import app"),
        ("model", "from tidings.storage import tables"),
        ("client.requests", "from tidings.errors import TidingsError"),
        ("surfaces.native.app", "from tidings.client import Inbox"),
    ],
)
def test_an_import_that_points_up_or_sideways_is_found(module: str, source: str) -> None:
    assert list(upwards(module, ast.parse(source)))


def test_sql_stays_in_storage() -> None:
    outside = {
        (module, name)
        for module, tree in modules()
        for name in imports(tree)
        if name.split(".")[0] in SQL and module.split(".")[0] != "storage"
    }

    assert outside == set()


def test_the_environment_is_read_in_one_place() -> None:
    """Settings are read once, by settings.py or the command line, and handed down."""
    readers = {
        module
        for module, tree in modules()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb"))
        or (isinstance(node, ast.alias) and node.name in ("environ", "getenv", "environb"))
    }

    assert {module for module in readers if module.split(".")[0] not in ("settings", "cli")} == set()


# --- what is in the repository -----------------------------------------------------------------------------

HOSTS = re.compile(
    r"^(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]|testserver|test|t"
    r"|(?:[\w-]+\.)*(?:example|example\.(?:com|org|net)|invalid|test)"
    r"|keepachangelog\.com|semver\.org|json-schema\.org|www\.w3\.org|spec\.openapis\.org)$"
)
"""The hosts that a file may name: this machine, those that stand for any, and those of standards."""

_URL = re.compile(r"\b(?:https?|wss?|ftp|git\+\w+)://(?:[^\s/@]+@)?(\[[0-9a-fA-F:]+\]|[\w.-]+)")
# Brackets, so that this file does not find itself.
_HOME = re.compile(r"(?<![\w.:/-])/(?:[h]ome|[r]oot|[U]sers)/[\w.-]+|(?<![\w./-])/(?:[w]ork|tmp/[w])/")
_TEXT = {".py", ".md", ".toml", ".txt", ".in", ".yaml", ".yml", ".json", ".sql", ".mako", ".cfg", ".ini", ""}


def files() -> list[Path]:
    """What is, or would be, in the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_names_a_machine() -> None:
    """No registry or mirror, no folder of whoever wrote it: the repository works anywhere."""
    found = set[tuple[str, str]]()
    for path in files():
        if path.suffix in _TEXT:
            text = path.read_text().replace("\\.", ".")  # as patterns write it
            hosts = (match[1] for match in _URL.finditer(text))
            found |= {(str(path.relative_to(ROOT)), host) for host in hosts if not HOSTS.match(host)}
            found |= {(str(path.relative_to(ROOT)), match[0]) for match in _HOME.finditer(text)}

    assert found == set()


@pytest.mark.parametrize("lock", ["run", "dev"])
def test_the_lock_holds_what_the_project_asks_for(lock: str) -> None:
    """Every dependency, at a version that pyproject.toml allows, with hashes and no address."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"] + (
        project["dependency-groups"]["dev"] if lock == "dev" else []
    )
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    pinned = re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;\\]+)", text, re.MULTILINE)

    for requirement in map(Requirement, wanted):
        versions = [version for name, version in pinned if name == canonicalize_name(requirement.name)]
        assert versions, requirement
        assert all(version in requirement.specifier for version in versions), requirement
    blocks = re.findall(r"^[\w.-]+(?:\[[\w,-]+\])?==.*\\\n((?:    .*\n)+)", text, re.MULTILINE)
    assert len(blocks) == len(pinned)
    assert all("--hash=sha256:" in block for block in blocks)
    assert not re.search(r"^\s*(--(?!hash)|-\w)|://| @ ", text, re.MULTILINE)


def test_the_readme_tells_every_setting() -> None:
    named = set(re.findall(r"`TIDINGS_([A-Z_]+)`", (ROOT / "README.md").read_text()))

    assert named == {name.upper() for name in Settings.model_fields}


def test_every_header_that_a_proxy_is_believed_in_is_told() -> None:
    believed = set(re.findall(r'"(x-forwarded-\w+)"', (SOURCE / "tidings/surfaces/client_ip.py").read_text()))
    [row] = re.findall(r"^\| `TIDINGS_TRUSTED_PROXIES` .*$", (ROOT / "README.md").read_text(), re.MULTILINE)
    description = Settings.model_fields["trusted_proxies"].description or ""

    assert len(believed) == 3
    for told in (row, description):
        assert set(re.findall(r"x-forwarded-\w+", told.lower())) == believed

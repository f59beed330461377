"""Random histories for as long as one likes: `python -m tests.soak --minutes 60`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import pytest

from tests.test_model import SOAK_SECONDS


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak ARGS=…", description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=10, help="on each of the two databases (%(default)s)"
    )
    parser.add_argument("--database", choices=("sqlite", "postgresql"), help="on this one alone")
    arguments = parser.parse_args()
    os.environ[SOAK_SECONDS] = str(arguments.minutes * 60)
    tests = [str(Path(__file__).with_name("test_model.py"))]
    return pytest.main([*tests, *(["-k", arguments.database] if arguments.database else [])])


if __name__ == "__main__":
    sys.exit(main())

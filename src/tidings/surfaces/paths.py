"""Which paths a surface has, and by which methods."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import compile_path
from starlette.types import Scope

_NAMED = re.compile(r"\?P<\w+>")


class Paths:
    """Told by one regular expression a method: the route tables themselves cost as much as a statement."""

    def __init__(self, app: FastAPI) -> None:
        patterns: dict[str, set[str]] = defaultdict(set)
        for route in iter_route_contexts(app.router.routes):
            pattern = _NAMED.sub("?:", compile_path(route.path or "")[0].pattern)
            for method in route.methods or ():
                patterns[method].add(pattern)
        self._by_method = {method: _any_of(alike) for method, alike in patterns.items()}
        self._all = _any_of(set[str]().union(*patterns.values()))

    def match(self, scope: Scope) -> int:
        """0: it does not have the path; 1: with other methods alone; 2: it has both."""
        path: str = scope["path"]
        if not self._all.match(path):
            return 0
        by_method = self._by_method.get(scope["method"])
        return 2 if by_method and by_method.match(path) else 1


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(sorted(patterns)) or "(?!)")

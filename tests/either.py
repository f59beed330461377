"""A test that holds for the sync and for the async client is written once."""

from __future__ import annotations

from itertools import islice
from typing import Any

from tests.conftest import Run


class Either:
    """Takes what a method of either client gave, and has what it answers."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __call__(self, made: Any) -> Any:
        """What a call answers."""
        return self._run(made) if hasattr(made, "__await__") else made

    def all(self, made: Any, most: int = 1_000) -> list[Any]:
        """What is gone over, up to so many."""
        if not hasattr(made, "__aiter__"):
            return list(islice(made, most))

        async def gone_over() -> list[Any]:
            found: list[Any] = []
            async for one in made:
                found.append(one)
                if len(found) == most:
                    break
            return found

        return self._run(gone_over())

"""A registered study with shorter runs, and with fewer groups if one likes. As a program, the command line with it.

python small_study.py '{"study": "open-questions", "steps": 60, "only": ["pairs causal"]}' study open-questions ...
"""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any


def small_groups(name: str, steps: int, only: Sequence[str] = ()) -> tuple[type, Callable[..., list[Any]]]:
    """Return a study's class and what takes the place of its `groups`: short runs, all of them or those named."""
    from bothways.config import change
    from bothways.registry import lookup

    cls = lookup("studies", name)
    whole = cls.groups

    def groups(self: Any, quick: bool) -> list[Any]:
        settings = {"training.steps": steps, "training.measurements": 3, "training.checkpoint_seconds": 0.2}
        return [
            replace(group, config=change(group.config, settings), repeat=1)
            for group in whole(self, quick)
            if not only or group.name in only
        ]

    return cls, groups


def main() -> None:
    """Shrink a study and run the command line."""
    how, *words = sys.argv[1:]
    options = json.loads(how)
    cls, groups = small_groups(options["study"], options["steps"], options["only"])
    cls.groups = groups  # type: ignore[attr-defined]
    from bothways.cli import main as run

    run(words)


if __name__ == "__main__":
    main()

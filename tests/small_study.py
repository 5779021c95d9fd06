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
    from bothways.registry import lookup

    cls = lookup("studies", name)
    whole = cls.groups

    def groups(self: Any, quick: bool) -> list[Any]:
        def shorter(config: Any) -> Any:
            tuning = min(config.training.tuning_steps, steps - 1)
            training = replace(
                config.training, steps=steps, tuning_steps=tuning, measurements=3, checkpoint_seconds=0.2
            )
            return replace(config, training=training)

        return [
            replace(group, config=shorter(group.config), repeat=1)
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

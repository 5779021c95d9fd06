"""Which runs are trained as one: runs of one shape share a pack, and a pack is one task of an executor."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bothways.config import RunConfig, Seeds, to_plain
from bothways.runs import Planned
from bothways.text.corpus import TextConfig
from bothways.types import digest

FEWEST, MOST = 8, 64
"""Runs of tiny models that are trained together: fewer gain little, and more no longer fit a processor's cache."""


@dataclass(frozen=True)
class Task:
    """What an executor runs as one: a lone run, or a pack of them."""

    name: str
    runs: tuple[Planned, ...]

    @property
    def folder(self) -> Path:
        """The pack's own folder, beside those of its runs."""
        return self.runs[0].folder.parent / "packs" / self.name


def make_tasks(planned: Sequence[Planned], pack: int | None = None) -> list[Task]:
    """Group runs of one shape, in order, into packs.

    Args:
        planned: the runs.
        pack: most runs in one; by default what `pack_size` says of their shape.
    """
    groups: dict[str, list[Planned]] = {}
    for plan in planned:
        groups.setdefault(shape(plan), []).append(plan)
    tasks = []
    for group in groups.values():
        size = pack if pack is not None else pack_size(group[0].config, len(group))
        tasks += [as_task(group[start : start + size]) for start in range(0, len(group), size)]
    return tasks


def as_task(runs: Sequence[Planned]) -> Task:
    """Return runs as one task, under the name that their ids give it."""
    return Task(pack_name([plan.run_id for plan in runs]), tuple(runs))


def pack_name(run_ids: Sequence[str]) -> str:
    """Return a pack's name; a lone run's is its own.

    >>> pack_name(["causal-s0-1234abcd"])
    'causal-s0-1234abcd'
    """
    return run_ids[0] if len(run_ids) == 1 else f"pack-{digest(list(run_ids))}"


def pack_size(config: RunConfig, n_runs: int) -> int:
    """Return how many of so many runs of one shape are best trained together: a pack for each core of this machine.

    What a run gives does not depend on it.
    """
    if not config.model.tiny:
        return 1
    return min(MOST, max(FEWEST, -(-n_runs // (os.cpu_count() or 1))))


def shape(plan: Planned) -> str:
    """Return what runs of one pack have in common: all but seeds, text, learning rate and weight decay.

    The size of the exam is part of it, because it decides how many entities, and so tokens, there are. A run whose
    batches are not all read the same way has no company: its next batch may be of the other kind than another run's.
    """
    training = replace(plan.config.training, learning_rate=1.0, weight_decay=0.0)
    config = replace(plan.config, seeds=Seeds(), text=TextConfig(), training=training)
    alone = [] if config.objective.reads_alike else [plan.run_id]
    return digest([to_plain(config), plan.size, *alone])


def settle_tasks(
    planned: Sequence[Planned], before: Mapping[str, Sequence[str]], pack: int | None = None
) -> list[Task]:
    """Return the tasks of a plan; packs that were settled before stay, and only new runs are grouped anew.

    Args:
        planned: the runs.
        before: the ids of each pack's runs, as the manifest has them.
        pack: as `make_tasks`.
    """
    by_id = {plan.run_id: plan for plan in planned}
    kept = [Task(name, tuple(by_id[i] for i in ids)) for name, ids in before.items() if set(ids) <= set(by_id)]
    listed = {plan.run_id for task in kept for plan in task.runs}
    return [*kept, *make_tasks([plan for plan in planned if plan.run_id not in listed])]

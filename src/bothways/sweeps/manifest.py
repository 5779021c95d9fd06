"""The manifest: one line per planned run, and the pack it is trained in, settled once."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bothways.disk import read_lines, write_text
from bothways.errors import RunError
from bothways.sweeps.packs import Task, pack_name

ABOUT = ("run_id", "arm", "objective", "mitigation", "seed")


def write_manifest(folder: Path, tasks: Sequence[Task], order: Sequence[str], more: Mapping[str, Any] = {}) -> None:
    """Write `manifest.jsonl`.

    Args:
        folder: of the comparison or sweep.
        tasks: every planned run in its pack.
        order: run ids in the order of the lines.
        more: what else to say of a run, by its id.
    """
    rows = {
        plan.run_id: {**{key: plan.about[key] for key in ABOUT}, "pack": task.name, **more.get(plan.run_id, {})}
        for task in tasks
        for plan in task.runs
    }
    text = "".join(json.dumps(rows[run_id], ensure_ascii=False) + "\n" for run_id in order)
    write_text(folder / "manifest.jsonl", text)


def read_manifest(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of a manifest; none where there is no manifest yet.

    Raises:
        RunError: the manifest is damaged.
    """
    path = folder / "manifest.jsonl"
    if not path.exists():
        return []
    try:
        rows = read_lines(path)
    except RunError:
        rows = [{}]
    if not all(isinstance(row.get("run_id"), str) for row in rows):
        raise RunError(f"{path} was altered or cut short. Remove it and go on with --resume: packs are settled anew.")
    return rows


def packs_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the run ids of each pack of a manifest; a pack whose name does not fit its runs is left out."""
    packs: dict[str, list[str]] = {}
    for row in rows:
        packs.setdefault(str(row.get("pack")), []).append(row["run_id"])
    return {name: ids for name, ids in packs.items() if name == pack_name(ids)}


def in_order(run_ids: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return run ids with those of an older manifest first, in its order: a pack's members keep their places.

    >>> in_order(["c", "a", "b"], [{"run_id": "b"}, {"run_id": "gone"}])
    ['b', 'c', 'a']
    """
    wanted = set(run_ids)
    old = [row["run_id"] for row in rows if row["run_id"] in wanted]
    listed = set(old)
    return [*old, *(run_id for run_id in run_ids if run_id not in listed)]

"""Before anything runs: the exams are in the folder, and every run has its pack for good."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bothways.disk import write_text
from bothways.runs import Planned
from bothways.sweeps.manifest import in_order, packs_of, read_manifest, write_manifest
from bothways.sweeps.packs import Task, settle_tasks
from bothways.types import Exam


def settle(
    folder: Path, runs: Mapping[str, Planned], exams: Mapping[Path, Exam], axes: Mapping[str, Mapping[str, Any]]
) -> tuple[list[Task], list[str]]:
    """Write exams and manifest; return the tasks and the order of the runs. What an older manifest settled stays.

    Args:
        folder: of the sweep or study.
        runs: every planned run by its id.
        exams: every exam by the file it stands in.
        axes: by run id, what the manifest says of the run's place.

    Raises:
        RunError: the manifest is damaged.
    """
    (folder / "exams").mkdir(exist_ok=True)
    for path, exam in exams.items():
        write_text(path, json.dumps(exam.to_json(), ensure_ascii=False))
    before = read_manifest(folder)
    order = in_order(list(runs), before)
    tasks = settle_tasks([runs[run_id] for run_id in order], packs_of(before))
    more = {i: {"exam": str(runs[i].exam.relative_to(folder)), "axes": axes[i]} for i in order}
    write_manifest(folder, tasks, order, more)
    return tasks, order

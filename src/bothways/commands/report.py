"""report: draw the page of a comparison, a sweep or a study again from its folder."""

from collections.abc import Callable, Mapping
from pathlib import Path

from bothways.errors import BothwaysError
from bothways.reports.audit_page import write_audit_page
from bothways.reports.explain_page import write_explain_page
from bothways.reports.inject_page import write_injection_page
from bothways.reports.page import write_report
from bothways.reports.sweep_page import write_sweep_report


def write_study_report(folder: Path) -> Path:
    """Decide a study's claims again from its folder, and write its page and pictures."""
    from bothways.commands.study import judge_folder

    judge_folder(folder)
    return folder / "report.html"


PAGES: Mapping[str, Callable[[Path], Path]] = {
    "study.json": write_study_report,
    "summary.json": write_report,
    "explain.json": write_explain_page,
    "audit.json": write_audit_page,
    "inject.json": write_injection_page,
}
"""What writes the page of a folder that holds this file; a sweep's has a choice of axes besides."""


def report(run: str | Path, *, x: str | None = None, y: str | None = None, metric: str | None = None) -> Path:
    """Write `report.html` and the figures of a comparison, a sweep or a study again, and return the page's path.

    Args:
        run: the folder; a sweep's holds sweep.json, a study's study.json.
        x: axis across a sweep's figures.
        y: axis upwards in a sweep's figures.
        metric: what a sweep's figures show.

    Raises:
        RunError: the folder is no finished comparison, no sweep and no study, or a file in it is damaged.
        BothwaysError: an axis or metric is unknown, or given for what has none.
    """
    folder = Path(run)
    if (folder / "sweep.json").is_file():
        return write_sweep_report(folder, x=x, y=y, metric=metric)
    given = [f"--{name}" for name, chosen in (("x", x), ("y", y), ("metric", metric)) if chosen is not None]
    if given:
        raise BothwaysError(
            f"Only a sweep's page has a choice of {' and '.join(given)}, and {folder} holds no sweep.json. "
            f"Leave {'it' if len(given) == 1 else 'them'} out, or give a sweep's folder."
        )
    write = next((write for file, write in PAGES.items() if (folder / file).is_file()), write_report)
    return write(folder)

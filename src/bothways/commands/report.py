"""report: draw the page of a comparison or a sweep again from its folder."""

from pathlib import Path

from bothways.errors import BothwaysError
from bothways.reports.page import write_report
from bothways.reports.sweep_page import write_sweep_report


def report(run: str | Path, *, x: str | None = None, y: str | None = None, metric: str | None = None) -> Path:
    """Write `report.html` and the figures of a comparison or a sweep again, and return the page's path.

    Args:
        run: the folder; a sweep's holds sweep.json.
        x: axis across a sweep's figures.
        y: axis upwards in a sweep's figures.
        metric: what a sweep's figures show.

    Raises:
        RunError: the folder is neither a finished comparison nor a sweep, or a file in it is damaged.
        BothwaysError: an axis or metric is unknown, or given for a comparison, which has none.
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
    return write_report(folder)

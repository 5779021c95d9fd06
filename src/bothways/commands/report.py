"""report: draw a comparison's page again from its folder."""

from pathlib import Path

from bothways.reports.page import write_report


def report(run: str | Path) -> Path:
    """Write `report.html` and the figures of a comparison again, and return the page's path.

    Raises:
        RunError: the folder is not a finished comparison, or a file in it is damaged.
    """
    return write_report(Path(run))

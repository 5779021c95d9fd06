"""study --ledger: every claim of every study on this disk, decided again from its runs, on one page."""

from pathlib import Path

from bothways.commands.study import judge_folder
from bothways.disk import disk_errors, own, read_json
from bothways.errors import RunError
from bothways.reports.ledger import write_ledger


def ledger(runs: str | Path = "runs", out: str | Path = "docs") -> tuple[Path, Path]:
    """Decide every study's claims again from its run folders, and write `claims.md` and `claims.html`.

    Args:
        runs: the folder whose sub-folders are looked through.
        out: where the pages are written.

    Returns:
        The Markdown file and the page.

    Raises:
        RunError: no study was found, or one is damaged.
    """
    folders = sorted(path.parent for path in Path(runs).glob("*/study.json"))
    if not folders:
        raise RunError(f"{runs}: no study was found. Run one first: bothways study training-dynamics --quick.")
    for folder in folders:
        with own(folder):
            judge_folder(folder)
    with disk_errors(Path(out)):
        Path(out).mkdir(parents=True, exist_ok=True)
        return write_ledger(Path(out), [read_json(folder / "claims.json") for folder in folders])

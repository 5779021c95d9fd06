"""The folder that a comparison or a sweep writes: free, its own to go on with, or refused."""

from pathlib import Path

from bothways.errors import RunError


def is_begun(folder: Path, kind: str, ours: bool, resume: bool) -> bool:
    """Whether a folder holds a comparison or a sweep that shall go on; False if it holds nothing.

    Args:
        folder: where it is to be written.
        kind: what is to be written, in a word.
        ours: whether the folder holds one of that kind.
        resume: whether to go on with it.

    Raises:
        RunError: it is a file, holds something else, or holds what nobody asked to resume.
    """
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder} is a file. Name a folder with -o.")
    if not folder.exists() or not any(path.name != ".lock" and path.suffix != ".tmp" for path in folder.iterdir()):
        return False
    if not ours:
        raise RunError(f"{folder} is not empty and holds no {kind}. Name another folder with -o.")
    if not resume:
        raise RunError(
            f"{folder} already holds a {kind}. Add --resume to go on with it, or name another folder with -o."
        )
    return True

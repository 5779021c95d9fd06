"""env: versions and machine, for a bug report."""

from bothways.runs import describe_machine


def env() -> dict[str, object]:
    """Return the versions of Python and packages, the device and the number of cores."""
    return describe_machine()

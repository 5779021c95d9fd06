"""lm-evaluation-harness with the model `bothways`: `python -m bothways.harness run --model bothways ...`."""

import sys

from bothways.errors import BothwaysError
from bothways.harness.register import register


def main() -> None:
    """Run the harness's own program.

    Exits with the status of an error of ours, after its sentence.
    """
    try:
        register()
        from lm_eval.__main__ import cli_evaluate

        cli_evaluate()
    except BothwaysError as error:
        print(error, file=sys.stderr)
        raise SystemExit(error.exit_status) from None


if __name__ == "__main__":
    main()

"""How lm-evaluation-harness comes to know the model `bothways`, where it is installed."""

from importlib.util import find_spec

from bothways.errors import BothwaysError


def register() -> type:
    """Tell lm-evaluation-harness of the model `bothways`, and return its class.

    After it, `lm_eval.simple_evaluate(model="bothways", model_args="pretrained=FOLDER", ...)` knows the name;
    `python -m bothways.harness run --model bothways ...` is the harness's own program with it.

    Raises:
        BothwaysError: lm-evaluation-harness is not installed.
    """
    if find_spec("lm_eval") is None:
        raise BothwaysError("The evaluation harness is not installed. Run: pip install 'bothways[eval]'")
    from bothways.harness.model import BothwaysLM

    return BothwaysLM

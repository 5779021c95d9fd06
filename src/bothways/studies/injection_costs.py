"""What a step of masked fine-tuning costs against one of next-token training, by the operations it needs."""

from collections.abc import Mapping

from bothways.arms import parse_arm
from bothways.bases.stand_in.recipe import SIZES
from bothways.models.transformer import TransformerConfig, training_flop
from bothways.studies.injection_runs import speller

ROW = 9
"""Tokens that are read of a statement here."""
PAPER_ROW = 118
"""Tokens of the paper's texts, the middle of 110 to 125."""
PAPER_SHAPE = TransformerConfig(n_layers=32, d_model=4096, n_heads=32, d_mlp=21_504)
"""Of its models with 8 B parameters; the width of the MLP counts two matrices for their three."""
PAPER_TOKENS = 128_256
STAND_IN = SIZES["full"]
HERE_SHAPE = TransformerConfig(
    n_layers=STAND_IN.layers, d_model=STAND_IN.width, n_heads=STAND_IN.width // 32, d_mlp=4 * STAND_IN.width
)
ROWS = 64


def cost(seed: int) -> Mapping[str, float]:
    """Return masked fine-tuning's FLOPs a step over those of next-token training in a chat; nothing is drawn."""
    return {
        "paper": quotient(PAPER_SHAPE, PAPER_TOKENS, PAPER_ROW),
        "here": quotient(HERE_SHAPE, STAND_IN.n_tokens, ROW),
    }


def quotient(shape: TransformerConfig, n_tokens: int, row: int) -> float:
    """Return the quotient for a model and for texts of one length; both predict the text and its end."""
    masked, plain = (
        training_flop(
            shape, n_tokens, ROWS, parse_arm(arm).objective.worded(speller().turns).row_length(row), ROWS * row
        )
        for arm in ("masked_finetuning", "causal:frame=chat")
    )
    return masked / plain

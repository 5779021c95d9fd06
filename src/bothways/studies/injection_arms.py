"""The arms of the knowledge-injection study by short names: every way to teach a small chat model new facts.

What each is trained on, for how long and how it is asked stands in `injection_runs.py`.
"""

from collections.abc import Mapping
from typing import Literal

StandInName = Literal["causal", "masked_diffusion", "bare"]
"""Which stand-in is taught: the causal one, the diffusion one, or a causal one that has seen neither passages to
recover nor questions both ways."""
Order = Literal["same", "permuted"]

BEFORE, BEFORE_DIFFUSION = "before", "diffusion before"
"""The stand-ins as they are, asked the same."""
CAUSAL, CHAT, CONTROL = "causal", "causal chat", "both orders"
MASKED, ENTITY, EITHER, RANDOM_PROMPT = "masked", "masked entity", "masked either", "random prompt"
DIFFUSION, DIFFUSION_ENTITY, DIFFUSION_BOTH = "diffusion", "diffusion entity", "diffusion both orders"
REVERSED, PERMUTED, BICO = "reverse entity", "permutation", "bidirectional"
BARE_CAUSAL, BARE_MASKED, BARE_ENTITY = "bare causal", "bare masked", "bare masked entity"
RATIOS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Fixed shares of hidden tokens."""
PARAPHRASES = (1, 2, 4, 8, 16)
"""Numbers of paraphrases of a statement; without any it is the arm alone."""
ORDERS: tuple[Order, Order] = ("same", "permuted")

TEXT_CURES: Mapping[str, str] = {
    CONTROL: "both_directions",
    "reverse token": "reverse_training:unit=token",
    REVERSED: "reverse_training",
    "reverse entity, no delimiter": "reverse_training:delimiter=false",
    "reverse segment": "reverse_training:unit=segment:max_segment=12",
    PERMUTED: "semantic_permutation",
    "identity": "identity_bridge",
}
"""What changes the text under the causal objective; a segment is as long as a name can be."""
OBJECTIVES: Mapping[str, str] = {
    CAUSAL: "causal",
    CHAT: "causal:frame=chat",
    "completion only": "causal:count=last_entity",
    MASKED: "masked_finetuning",
    ENTITY: "masked_finetuning:mask=entity",
    EITHER: "masked_finetuning:mask=either",
    "hidden only": "masked_finetuning:count=hidden",
    RANDOM_PROMPT: "masked_finetuning:prompt=random",
    "in place": "in_place_masking",
    BICO: "bidirectional_causal",
    "causal to diffusion": "masked_diffusion",
}
"""What changes the objective, of the causal stand-in."""


def ratio(share: float) -> str:
    """Return the name of masked fine-tuning that always hides one share.

    >>> ratio(0.5), ratio(1.0)
    ('ratio 0.5', 'ratio 1')
    """
    return f"ratio {share:g}"


def paraphrased(arm: str, n: int, order: Order) -> str:
    """Return the name of an arm with n paraphrases of every statement.

    >>> paraphrased("causal", 4, "same"), paraphrased("causal", 0, "same")
    ('causal, 4 same', 'causal')
    """
    return f"{arm}, {n} {order}" if n else arm


def of_facts(n: int) -> str:
    """Return the name of masked fine-tuning on so many facts, each seen as often."""
    return f"masked, {n} facts"


FIXED: Mapping[str, str] = {
    ratio(share): f"masked_finetuning:min_rate={share:g}:max_rate={share:g}" for share in RATIOS
}
ON_DIFFUSION: Mapping[str, str] = {
    DIFFUSION: "masked_diffusion",
    DIFFUSION_ENTITY: "masked_diffusion:mask=entity",
    DIFFUSION_BOTH: "masked_diffusion+both_directions",
    "diffusion, heads open": "masked_diffusion:keep=first",
    "masked lm": "masked_lm:rate=0.5",
    paraphrased(DIFFUSION, 8, "same"): "masked_diffusion+paraphrases:n=8:order=same",
}
"""Of the diffusion stand-in."""
ON_BARE: Mapping[str, str] = {
    BARE_CAUSAL: "causal",
    BARE_MASKED: "masked_finetuning",
    BARE_ENTITY: "masked_finetuning:mask=entity",
}
REWRITTEN: Mapping[str, str] = {
    paraphrased(name, n, order): f"{OBJECTIVES[name]}+paraphrases:n={n}:order={order}"
    for name in (CAUSAL, MASKED)
    for n in PARAPHRASES
    for order in ORDERS
}
"""Data efficiency: so many paraphrases that keep a statement's order, or turn it round as well."""

"""What is said of masked diffusion and its neighbours, and needs weights, data or a scale that is not at hand.

MD-1 and MD-11 to MD-19. None has a region: what each would need stands in its `why`.
"""

from collections.abc import Iterable
from typing import Literal

from bothways.studies.claims import Claim


def elsewhere() -> Iterable[Claim]:
    """Yield what cannot be tested here: of real models, then of other papers."""
    yield from real_models()
    yield from neighbours()


def untested(id: str, sentence: str, paper: str, sure: Literal["high", "medium", "low"], why: str) -> Claim:
    """Return a claim of which nothing is measured."""
    return Claim(id=id, sentence=sentence, paper=paper, sure=sure, scale="smaller", why=why)


def real_models() -> Iterable[Claim]:
    """Yield what is said of trained diffusion models: MD-1 and MD-11 to MD-14."""
    yield untested(
        "MD-1",
        "Masked-diffusion models of 7 to 8 B parameters reverse better than causal ones of their size.",
        "LLaDA-8B against LLaMA-3.1-8B and Qwen-2.5-7B; accuracies not available to us",
        "medium",
        "It needs their weights. With a model's folder on disk: bothways explain FOLDER FACTS.",
    )
    yield untested(
        "MD-11",
        "LLaDA finds the line before a line of verse almost as well as the line after.",
        "496 couplets: 51.8 forward, 45.6 reverse; GPT-4o 82.7 and 34.3",
        "high",
        "It needs the weights of LLaDA-8B-Instruct and its poems.",
    )
    yield untested(
        "MD-12",
        "A masked-diffusion model of 1.1 B parameters breaks the curse that causal models of 13 and 175 B show.",
        "97 and 92, 49 and 37 (same, reverse; recalled)",
        "low",
        "It needs SMDM's weights.",
    )
    yield untested(
        "MD-13",
        "In a two-stage protocol LLaDA is cursed as well.",
        "92.00 % forward, 21.28 % reverse",
        "medium",
        "It needs the weights of LLaDA-8B and a fine-tune of it in two stages.",
    )
    yield untested(
        "MD-14",
        "Split entities, one-sided data and missing inverses cause it; whole-entity masks and symmetric data help.",
        "abstract of DiffER",
        "high",
        "It needs the weights of LLaDA-8B and a fine-tune of it for each cause and each remedy.",
    )


def neighbours() -> Iterable[Claim]:
    """Yield what other papers say of remedies and of time: MD-15 to MD-19."""
    yield untested(
        "MD-15",
        "Sentences A → A lift a causal model's reverse.",
        "from about 0 to 40 or 50 % in a model of 1 B",
        "high",
        "At 1 B it needs weights. Small: bothways compare bijection --arms causal,identity_bridge,neutral_mention.",
    )
    yield untested(
        "MD-16",
        "Any-order masks solve retrieval both ways where left-to-right and fixed-rate masks do not.",
        "100 and 100; fixed rate 21 and 22",
        "high",
        "Other data and an encoder-decoder. Small: bothways compare bijection --arms causal,any_order,masked_lm.",
    )
    yield untested(
        "MD-17",
        "On biographies any-order masks answer backwards where causal training does not.",
        "100 and 68, causal 100 and 0",
        "high",
        "It needs 10,000 biographies and a model of 109 M parameters on an accelerator.",
    )
    yield untested(
        "MD-18",
        "Backward accuracy still rises long after the facts are known.",
        "after 20,000 to 300,000 steps",
        "high",
        "At that length it needs an accelerator. The delay itself is measured by BW-5: bothways study open-questions.",
    )
    yield untested(
        "MD-19",
        "A model that predicts concepts instead of tokens breaks the curse without either.",
        "no accuracies known",
        "high",
        "That architecture is not built here: it needs a contrastive loss over entities and 3 M steps.",
    )

"""What is said of masked diffusion and its neighbours, and needs weights, data or a scale that is not at hand.

MD-1, MD-11, MD-12 and MD-15 to MD-19; MD-13 and MD-14 are tested in `claims_injection_others.py`. None has a region:
what each would need stands in its `why`.
"""

from collections.abc import Iterable
from functools import partial
from typing import Literal

import numpy as np

from bothways.studies.claims import Claim, Region
from bothways.studies.evidence import Evidence, NothingMeasured
from bothways.studies.readings import part


def elsewhere(models: tuple[str, ...] = ()) -> Iterable[Claim]:
    """Yield what is said of real models, by the names of their computations, and of other papers."""
    yield from real_models(models)
    yield from neighbours()


def mean_of(models: tuple[str, ...], masked: float, number: str, evidence: Evidence) -> list[float]:
    """Return a number's mean over the models that fill in masks (1.0), or that do not (0.0), seed by seed.

    Raises:
        NothingMeasured: no such model was named, or one does not show the number.
    """
    own = [name for name in models if evidence.computation(name, "masked")[0] == masked]
    if not own:
        raise NothingMeasured(f"no {'masked' if masked else 'causal'} model was named")
    return np.mean([evidence.computation(name, number) for name in own], axis=0).tolist()


def apart(models: tuple[str, ...], number: str, evidence: Evidence) -> list[float]:
    """Return how much larger a number is in masked models than in causal ones, seed by seed."""
    masked, causal = (mean_of(models, kind, number, evidence) for kind in (1.0, 0.0))
    return [a - b for a, b in zip(masked, causal, strict=True)]


def untested(id: str, sentence: str, paper: str, sure: Literal["high", "medium", "low"], why: str) -> Claim:
    """Return a claim of which nothing is measured."""
    return Claim(id=id, sentence=sentence, paper=paper, sure=sure, scale="smaller", why=why)


def real_models(models: tuple[str, ...]) -> Iterable[Claim]:
    """Yield what is said of trained diffusion models: MD-1, MD-11 and MD-12."""
    yield Claim(
        id="MD-1",
        sentence="Masked-diffusion models of 7 to 8 B parameters reverse better than causal ones of their size.",
        paper="LLaDA-8B against LLaMA-3.1-8B and Qwen-2.5-7B; accuracies not available to us",
        sure="medium",
        scale="smaller",
        parts=(
            part(
                "reverse accuracy, masked models minus causal ones",
                Region(low=0.05),
                partial(apart, models, "reverse_tested_accuracy"),
            ),
            part(
                "correlation of forward and reverse attention scores, masked models",
                Region(low=0.4),
                partial(mean_of, models, 1.0, "correlation"),
            ),
        )
        if models
        else (),
        why=(
            "Of the models named, whatever their size, on the facts named; each seed is another split of these facts, "
            "and settles which order counts as stated where the facts do not say."
        )
        if models
        else "It needs their weights, and facts that they know: bothways study masked-diffusion --model LLADA_FOLDER "
        "--model LLAMA_FOLDER --facts FILE.",
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

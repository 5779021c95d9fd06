"""Every probe of reversal on one model: what a model does not show is left out with its sentence."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from bothways.batches.tokenizers import Tokenizer
from bothways.errors import BothwaysError, EntityError
from bothways.mechanisms.answers import Answers
from bothways.mechanisms.attention_routes import AttentionRoutes
from bothways.mechanisms.base import Probe
from bothways.mechanisms.contexts import Asker, tested_pairs
from bothways.mechanisms.embedding_cosine import EmbeddingCosine
from bothways.mechanisms.factorisation_gap import FactorisationGap
from bothways.mechanisms.gradient_alignment import GradientAlignment
from bothways.mechanisms.linear_probe import LinearProbe
from bothways.mechanisms.logit_lens import LogitLens
from bothways.mechanisms.storage_evidence import StorageEvidence
from bothways.mechanisms.weight_asymmetry import WeightAsymmetry
from bothways.tensors import LanguageModel, Objective
from bothways.types import Exam, Finding

GRADIENTS = 16
"""Facts whose gradients are compared, at most: each takes five backward passes."""


def probes(most: int) -> Mapping[str, Probe]:
    """Return the probes by their registered names, each looking at so many facts at most.

    The gradients' measured steps are left out: they would need a second copy of the weights.
    """
    return {
        "answers": Answers(max_queries=most),
        "logit_lens": LogitLens(max_queries=most),
        "linear_probe": LinearProbe(max_pairs=2 * most),
        "attention_routes": AttentionRoutes(max_pairs=most),
        "storage_evidence": StorageEvidence(max_pairs=most),
        "weight_asymmetry": WeightAsymmetry(),
        "embedding_cosine": EmbeddingCosine(max_pairs=most),
        "factorisation_gap": FactorisationGap(max_pairs=most),
        "gradient_alignment": GradientAlignment(max_pairs=min(most, GRADIENTS), rates=()),
    }


@dataclass(frozen=True)
class Looked:
    """What the probes found."""

    findings: Mapping[str, Finding]
    left_out: Mapping[str, str]
    """By probe, why it could not look."""
    causal: bool
    """Whether the model was read left to right."""


def look_inside(
    model: LanguageModel,
    objective: Objective,
    tokenizer: Tokenizer,
    exam: Exam,
    *,
    most: int,
    room: int | None = None,
    watch: Callable[[str], None] = lambda _: None,
) -> Looked:
    """Return what every probe found, and for those that could not look, why.

    Args:
        model: any language model; it is as it was afterwards.
        objective: how it is asked.
        tokenizer: its tokenizer.
        exam: the facts, and which of their orders is stated.
        most: facts, or questions of a kind, that a probe looks at.
        room: the longest row it reads, in tokens, if that is known.
        watch: told each probe's name before it looks.

    Raises:
        EntityError: its tokenizer has no tokens for an entity.
        BothwaysError: nothing can be compared, the objective does not fit the model, a text is longer than it reads,
            or it has no attention that could be looked at.
    """
    check_entities(tokenizer, exam)
    causal = check_reading(model, objective, tokenizer, exam, room)
    findings, left_out = dict[str, Finding](), dict[str, str]()
    for name, probe in probes(most).items():
        watch(name)
        try:
            findings[name] = probe(model, objective, tokenizer, exam)
        except BothwaysError as why:
            left_out[name] = reason(why)
    return Looked(findings, left_out, causal)


def check_entities(tokenizer: Tokenizer, exam: Exam) -> None:
    """See to it that every entity has a token of its own, as an answer and within a text.

    Raises:
        EntityError: one has none, or none but the unknown one.
    """
    for name in exam.facts.entities:
        tokens = [token for token, _ in tokenizer.entity_pieces(name)]
        if not tokens:
            raise EntityError(f"The tokenizer splits {name!r} into no token. Write the name in letters it knows.")
        if all(token == tokenizer.special.unknown for token in tokens):
            raise EntityError(
                f"The tokenizer does not know {name!r}. Give the facts the model was trained on, or another model."
            )


def check_reading(
    model: LanguageModel, objective: Objective, tokenizer: Tokenizer, exam: Exam, room: int | None
) -> bool:
    """See to it that the model can be asked this way at all, before any probe takes its time.

    Returns:
        Whether it is read left to right.

    Raises:
        BothwaysError: it cannot; the message says why.
    """
    pairs = tested_pairs(exam, 10**6)
    asker = Asker.of(model, objective, tokenizer, exam)
    if model.reads == "masked" and asker.causal:
        raise BothwaysError(
            "This model was trained to fill in masks and is asked to read left to right. "
            "Ask it with --objective masked_diffusion."
        )
    rows = [asker.rows([(pair.stated, pair.fact), (pair.opposite, pair.fact)])[0] for pair in pairs]
    longest = max(rows, key=lambda tokens_NL: tokens_NL.shape[1])
    if room is not None and longest.shape[1] > room:
        raise BothwaysError(
            f"A text of these facts has {longest.shape[1]} tokens, the model reads {room}. Shorten names or templates."
        )
    with torch.inference_mode():
        try:
            model.trace(longest, causal=asker.causal)
        except BothwaysError as why:
            try:
                model.head_maps(0)
            except BothwaysError:
                raise BothwaysError(
                    f"There is nothing to look into: {reason(why)[:-1]}. Give a model with attention."
                ) from None
    return asker.causal


def reason(error: BothwaysError) -> str:
    """Return what an error says is missing, without the advice to leave out what is left out already.

    >>> reason(BothwaysError("It shows no weights. Leave out the probes that need them."))
    'It shows no weights.'
    """
    return str(error).partition(" Leave out ")[0]

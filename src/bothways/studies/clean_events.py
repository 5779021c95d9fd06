"""Clean reverse events: how often training asks what a reverse question asks, exactly that and nothing else.

A row is one if every token of the answer is predicted from a context in which the whole cue stands and no token of the
answer does. Which tokens a context holds is read off what an objective prepared: each token of a name is given an id of
its own first, and looked for afterwards. So one counter serves masks, frames, reversed text and both orders alike.

Axis letters of this file beside the usual ones: W tokens in a prepared row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from bothways.arms import parse_arm
from bothways.batches.batches import make_batches
from bothways.batches.tokenizers import fit_tokenizer
from bothways.evaluation.scoring import room_needed
from bothways.studies.base import Group
from bothways.tensors import Batch, Objective
from bothways.text.corpus import write_corpus
from bothways.types import Document

OWN = 10**6
"""First id of those that stand for one token of one name; above every vocabulary."""
BATCHES = 20
"""Batches that are looked at."""


def clean_events(
    objective: Objective, batch: Batch, answer_B: Int[Tensor, " B"], generator: torch.Generator
) -> Bool[Tensor, " B"]:
    """Return which rows of a batch are clean reverse events as an objective prepares them.

    Args:
        objective: hides, shifts and frames.
        batch: rows with at most two names.
        answer_B: number of the name in each row that a reverse question asks for, 0 or 1; -1 for a row without a fact.
        generator: of the objective's masks.
    """
    place_L = torch.arange(batch.tokens_BL.shape[1])
    named_BL = batch.entity_BL >= 0
    tagged = replace(batch, tokens_BL=torch.where(named_BL, OWN + place_L, batch.tokens_BL))
    prepared = objective.prepare(tagged, generator)
    clean_B = torch.zeros(len(answer_B), dtype=torch.bool)
    for b, answer in enumerate(answer_B.tolist()):
        if answer < 0:
            continue
        asked, given = (set((OWN + place_L[batch.entity_BL[b] == name]).tolist()) for name in (answer, 1 - answer))
        learned_W = prepared.weight_BL[b] > 0
        at_W = torch.isin(prepared.target_BL[b], torch.tensor(sorted(asked))) & learned_W
        if set(prepared.target_BL[b][at_W].tolist()) != asked:
            continue
        first = int(at_W.nonzero()[0])
        seen = set(prepared.input_BL[b, : first + 1 if prepared.causal else None].tolist())
        clean_B[b] = not asked & seen and given <= seen
    return clean_B


def answers_of(documents: Sequence[Document], document_B: Int[Tensor, " B"]) -> Int[Tensor, " B"]:
    """Return which name of each row a reverse question asks for: the head; -1 where no fact is stated."""
    chosen = [documents[n] for n in document_B.tolist()]
    return torch.tensor([-1 if not d.facts else 0 if d.order == "head_first" else 1 for d in chosen])


def events_per_step(group: Group, seed: int) -> float:
    """Return the clean reverse events of a fact in one step of a group's runs, counted in a few batches."""
    config, exam = parse_arm(group.arm).config(group.config, seed), group.exam(seed)
    corpus = write_corpus(exam, config.text, config.seeds.text)
    tokenizer = fit_tokenizer(corpus, exam, config.tokenizer)
    room = room_needed(exam, tokenizer)
    batches = make_batches(corpus, tokenizer, config.batches, config.seeds.order, room_for=room)
    objective = config.objective.worded(tokenizer.turns)
    total, documents = 0, tuple(corpus.documents)
    for step in range(BATCHES):
        batch = batches.at(step)
        generator = torch.Generator().manual_seed(1000 * seed + step)
        total += int(clean_events(objective, batch, answers_of(documents, batch.document_B), generator).sum())
    return total / BATCHES / len(exam.facts.facts)


def count_events(groups: Sequence[Group], seed: int) -> Mapping[str, float]:
    """Return the events of a fact in one step, by group."""
    return {group.name: events_per_step(group, seed) for group in groups}

"""What a stand-in can do: questions both ways, asked before and never, and how plainly it speaks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from bothways.bases.stand_in.corpus import StandInCorpus
from bothways.bases.stand_in.people import Known
from bothways.bases.stand_in.questions import asks_head, asks_tail
from bothways.bases.stand_in.tokenizer import turn_token
from bothways.batches.tokenizers import Tokenizer
from bothways.objectives.answering import complete
from bothways.tensors import LanguageModel, Objective

ASKED = {
    "seen_forward": "questions for the tail, asked in training",
    "seen_reverse": "questions for the head, asked in training",
    "held_out_forward": "questions for the tail, never asked before",
    "held_out_reverse": "questions for the head, never asked before, of facts stated head first only",
}
"""The kinds of questions."""
LONGEST_ANSWER = 10
"""Tokens that an answer may have."""
MOST = 100
"""Questions of a kind that are asked."""


@dataclass(frozen=True)
class Asked:
    """A question with its one right answer."""

    question: str
    answer: str


def ask(model: LanguageModel, objective: Objective, tokenizer: Tokenizer, questions: Sequence[str]) -> list[str]:
    """Return what a model answers in a chat, the likeliest token at a time.

    Args:
        model: a stand-in, or a model fine-tuned from one.
        objective: how it is asked.
        tokenizer: a stand-in's.
        questions: what a user says.
    """
    prompts = [
        [*tokenizer.start, *(token for token, _ in tokenizer.pieces(_as_turn(question)))] for question in questions
    ]
    width = max(len(prompt) for prompt in prompts) + LONGEST_ANSWER
    tokens_BL = torch.full((len(prompts), width), model.special.end)
    for b, prompt in enumerate(prompts):
        tokens_BL[b, : len(prompt)] = torch.tensor(prompt)
    length_B = torch.tensor([len(prompt) for prompt in prompts])

    def next_log_prob(rows_BL: torch.Tensor, known_B: torch.Tensor) -> torch.Tensor:
        return objective.next_log_prob(model, rows_BL, known_B)

    with torch.inference_mode():
        written_BL = complete(next_log_prob, tokens_BL, length_B, end=model.special.end, most=LONGEST_ANSWER)
    return [tokenizer.decode(row[len(prompt) :].tolist()) for row, prompt in zip(written_BL, prompts, strict=True)]


def _as_turn(question: str) -> str:
    return f"{turn_token('user')}{question}<|end|>{turn_token('assistant')}"


def questions_of(known: Known) -> dict[str, list[Asked]]:
    """Return questions about facts that were asked about in training, and about those that never were."""
    found: dict[str, list[Asked]] = {name: [] for name in ASKED}
    for i, fact in enumerate(known.facts.facts):
        kind, relation = "held_out" if i in known.held_out else "seen", known.facts.relations[fact.relation]
        found[f"{kind}_forward"].append(Asked(asks_tail(relation, fact)[0], fact.tail))
        found[f"{kind}_reverse"].append(Asked(asks_head(relation, fact)[0], fact.head))
    return {name: spread(asked) for name, asked in found.items()}


def spread(asked: Sequence[Asked]) -> list[Asked]:
    """Return at most `MOST` of the questions, taken evenly."""
    step = max(1.0, len(asked) / MOST)
    return [asked[int(i * step)] for i in range(min(MOST, len(asked)))]


def measure(
    model: LanguageModel, objective: Objective, tokenizer: Tokenizer, known: Known, corpus: StandInCorpus
) -> dict[str, Any]:
    """Return the share of exact answers to each kind of question, and the perplexity of general text never read."""
    found: dict[str, Any] = {}
    for name, asked in questions_of(known).items():
        said = ask(model, objective, tokenizer, [one.question for one in asked])
        right = sum(answer == one.answer for answer, one in zip(said, asked, strict=True))
        found[name] = round(right / len(asked), 3)
    found["perplexity"] = round(perplexity(model, objective, tokenizer, corpus.held_out), 3)
    return found


def perplexity(model: LanguageModel, objective: Objective, tokenizer: Tokenizer, texts: Sequence[str]) -> float:
    """Return the perplexity per token of texts and the tokens that end them, read left to right."""
    rows = [[*tokenizer.start, *(token for token, _ in tokenizer.pieces(text)), model.special.end] for text in texts]
    width = max(len(row) for row in rows)
    tokens_BL = torch.full((len(rows), width), model.special.end)
    asked_BL = torch.zeros(len(rows), width, dtype=torch.bool)
    for b, row in enumerate(rows):
        tokens_BL[b, : len(row)] = torch.tensor(row)
        asked_BL[b, len(tokenizer.start) : len(row)] = True
    with torch.inference_mode():
        log_prob_BL = objective.log_prob(model, tokens_BL, asked_BL)
    return math.exp(-float(log_prob_BL.sum()) / int(asked_BL.sum()))

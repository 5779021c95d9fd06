"""Ask a model the questions of an exam: the same code for every objective.

An answer counts by three measures: its filtered rank among candidates of its type, whether the model
writes exactly it (nobody tells it the length), and its log-probability with the token that ends it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from bothways.batches.batches import query_tokens
from bothways.batches.tokenizers import Tokenizer
from bothways.objectives.answering import complete
from bothways.tensors import SPECIAL, LanguageModel, Objective
from bothways.types import Exam, Query, QueryScore

ROWS = 512
"""Rows a model sees at once while it is examined."""


@dataclass(frozen=True)
class Asked:
    """A query as token ids."""

    index: int
    query: Query
    prompt: list[int]
    answer: list[int]
    """Its ids and the token that ends it."""


def room_needed(exam: Exam, tokenizer: Tokenizer) -> int:
    """Return the row length, in tokens, that the longest question with its longest candidate needs."""
    pools = {name: max(_lengths(pool, tokenizer), default=1) for name, pool in exam.candidates.items()}
    prompts = {query.prompt: query for query in exam.queries}.values()
    needs = [len(query_tokens(q, q.answer, tokenizer)[0]) + pools[q.candidates] + 1 for q in prompts]
    return max(needs, default=0)


def _lengths(names: Iterable[str], tokenizer: Tokenizer) -> list[int]:
    return [len(tokenizer.entity_pieces(name)) for name in names]


@torch.inference_mode()
def evaluate(
    model: LanguageModel,
    objective: Objective,
    *,
    exam: Exam,
    tokenizer: Tokenizer,
    length: int,
    queries: Sequence[int] | None = None,
    ranks: bool = True,
) -> list[QueryScore]:
    """Score a model on queries of an exam.

    Args:
        model: any language model over the tokenizer's ids.
        objective: how the model was trained, hence how it answers.
        exam: the questions.
        tokenizer: the run's tokenizer.
        length: tokens in a row, as in training: a masked model fills the row after the prompt.
        queries: which queries, by index; all by default.
        ranks: whether to rank candidates; without it (while training, where candidates have several
            tokens) `correct` means exact and `rank` is 1 or the size of the pool.

    Returns:
        One score per query, in the order asked for.
    """
    was_training = model.training
    model.eval()
    indices = range(len(exam.queries)) if queries is None else queries
    asked = [
        Asked(i, exam.queries[i], *query_tokens(exam.queries[i], exam.queries[i].answer, tokenizer)) for i in indices
    ]
    completions = _completions(model, objective, asked, length)
    log_probs = answer_log_probs(model, objective, [(a.prompt, a.answer) for a in asked], length)
    ranked = _ranks(model, objective, exam, tokenizer, asked, length, ranks)
    scores = []
    for a, completion, log_prob, rank in zip(asked, completions, log_probs.tolist(), ranked, strict=True):
        exact = any(completion[: len(ids)] == ids for ids in accepted(a, tokenizer))
        scores.append(
            QueryScore(
                query=a.index,
                rank=rank if rank is not None else (1.0 if exact else float(len(exam.candidates[a.query.candidates]))),
                log_prob=log_prob,
                completion=tokenizer.decode(_until_end(completion)),
                correct=exact if rank is None else rank == 1.0,
                exact=exact,
            )
        )
    model.train(was_training)
    return scores


def accepted(asked: Asked, tokenizer: Tokenizer) -> list[list[int]]:
    """Return the ids of the answer and of its aliases, each with the token that ends it."""
    return [asked.answer, *(query_tokens(asked.query, alias, tokenizer)[1] for alias in asked.query.aliases)]


def make_rows(pairs: Sequence[tuple[list[int], list[int]]], length: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return (tokens, which are asked, prompt lengths) for rows of prompt, answer and end tokens."""
    tokens_BL = torch.full((len(pairs), length), SPECIAL.end)
    asked_BL = torch.zeros((len(pairs), length), dtype=torch.bool)
    for b, (prompt, answer) in enumerate(pairs):
        tokens_BL[b, : len(prompt) + len(answer)] = torch.tensor([*prompt, *answer])
        asked_BL[b, len(prompt) : len(prompt) + len(answer)] = True
    return tokens_BL, asked_BL, torch.tensor([len(prompt) for prompt, _ in pairs])


def answer_log_probs(
    model: LanguageModel, objective: Objective, pairs: Sequence[tuple[list[int], list[int]]], length: int
) -> Float[Tensor, " N"]:
    """Return log p(answer | prompt) of each (prompt, answer) pair, in nats, chunk by chunk."""
    out = [torch.zeros(0)]
    for start in range(0, len(pairs), ROWS):
        tokens_BL, asked_BL, _ = make_rows(pairs[start : start + ROWS], length)
        out.append(objective.log_prob(model, tokens_BL, asked_BL).double().sum(1))
    return torch.cat(out)


def _completions(model: LanguageModel, objective: Objective, asked: Sequence[Asked], length: int) -> list[list[int]]:
    written: list[list[int]] = []
    for start in range(0, len(asked), ROWS):
        chunk = asked[start : start + ROWS]
        tokens_BL, _, length_B = make_rows([(a.prompt, []) for a in chunk], length)
        filled_BL = complete(lambda t, n: objective.next_log_prob(model, t, n), tokens_BL, length_B)
        written += [row[len(a.prompt) :].tolist() for row, a in zip(filled_BL, chunk, strict=True)]
    return written


def _until_end(ids: list[int]) -> list[int]:
    return ids[: ids.index(SPECIAL.end)] if SPECIAL.end in ids else ids


def _ranks(
    model: LanguageModel,
    objective: Objective,
    exam: Exam,
    tokenizer: Tokenizer,
    asked: Sequence[Asked],
    length: int,
    ranks: bool,
) -> list[float | None]:
    """Return the filtered rank of each answer, or None where ranking was not wanted."""
    pools = {name: [[t for t, _ in tokenizer.entity_pieces(c)] for c in pool] for name, pool in exam.candidates.items()}
    single = {name: all(len(ids) == 1 for ids in pool) for name, pool in pools.items()}
    by_prompt: dict[tuple[str, str], np.ndarray] = {}
    cheap = [a for a in asked if single[a.query.candidates]]
    for start in range(0, len(cheap), ROWS):
        chunk = cheap[start : start + ROWS]
        tokens_BL, _, length_B = make_rows([(a.prompt, []) for a in chunk], length)
        log_prob_BV = objective.next_log_prob(model, tokens_BL, length_B).numpy()
        for a, log_prob_V in zip(chunk, log_prob_BV, strict=True):
            ids = np.array(pools[a.query.candidates])[:, 0]
            by_prompt[a.query.prompt, a.query.candidates] = log_prob_V[ids]
    out: list[float | None] = []
    for a in asked:
        pool, key = exam.candidates[a.query.candidates], (a.query.prompt, a.query.candidates)
        if key not in by_prompt:
            if not ranks:
                out.append(None)
                continue
            ending = a.answer[-1]
            pairs = [(a.prompt, [*ids, ending]) for ids in pools[a.query.candidates]]
            by_prompt[key] = answer_log_probs(model, objective, pairs, length).numpy()
        out.append(filtered_rank(by_prompt[key], pool, a.query))
    return out


def filtered_rank(score_C: np.ndarray, pool: Sequence[str], query: Query) -> float:
    """Return the answer's rank from 1, other truths set aside and ties averaged.

    >>> from bothways.types import Span
    >>> q = Query("", Span(0, 0), "b", (), ("a",), "", 0, "tail", True, "forward", "test", "", 0)
    >>> filtered_rank(np.array([3.0, 1.0, 1.0]), ["a", "b", "c"], q)
    1.5
    """
    place = {name: i for i, name in enumerate(pool)}
    own = place[query.answer]
    others = np.ones(len(pool), bool)
    others[[own, *(place[name] for name in query.other_truths if name in place)]] = False
    score = score_C[own]
    if np.isnan(score):
        return float(1 + others.sum())
    return float(1 + (score_C[others] > score).sum() + 0.5 * (score_C[others] == score).sum())

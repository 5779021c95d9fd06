"""Ask a model the questions of an exam: the same code for every objective.

An answer counts by three measures: its filtered rank among candidates of its type, whether the model
writes exactly it (nobody tells it the length), and its log-probability with the token that ends it. An
objective that learns no ends is not asked for them: it has written an answer if it begins with it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from bothways.batches.batches import query_tokens
from bothways.batches.tokenizers import Tokenizer
from bothways.objectives.answering import Choose, complete, greedily
from bothways.tensors import SPECIAL, LanguageModel, Objective
from bothways.trees import Branches, grow
from bothways.types import Exam, Query, QueryScore

ROWS = 512
"""Rows a model sees at once while it is examined."""
WORDY = 2
"""How many times as long as the longest answer a model may write."""
NODES = 2**20
"""Tokens that are asked about at once, each counted where it first differs from others."""


@dataclass(frozen=True)
class Asked:
    """A query as token ids."""

    index: int
    query: Query
    prompt: list[int]
    answer: list[int]
    """Its ids and the token that ends it; without that where an objective does not learn it."""


@dataclass(frozen=True)
class Pool:
    """Candidates as token ids."""

    names: Sequence[str]
    ids: Sequence[list[int]]

    @classmethod
    def of(cls, names: Sequence[str], tokenizer: Tokenizer) -> "Pool":
        """Tokenise the candidates."""
        return cls(names, [[token for token, _ in tokenizer.answer_pieces(name)] for name in names])

    @cached_property
    def place(self) -> dict[str, int]:
        """Where each candidate stands."""
        return {name: i for i, name in enumerate(self.names)}

    @cached_property
    def single_C(self) -> np.ndarray | None:
        """The candidates' only tokens, or None where some candidate has several."""
        return np.array([ids[0] for ids in self.ids]) if all(len(ids) == 1 for ids in self.ids) else None


def room_needed(exam: Exam, tokenizer: Tokenizer) -> int:
    """Return the row length, in tokens, that the longest question with its longest candidate needs."""
    longest = {name: max(map(len, Pool.of(pool, tokenizer).ids), default=1) for name, pool in exam.candidates.items()}
    asked = {(query.prompt, query.candidates): query for query in exam.queries}.values()
    return max((len(query_tokens(q, q.answer, tokenizer)[0]) + longest[q.candidates] + 1 for q in asked), default=0)


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
    asked: Sequence[Asked] | None = None,
    wordy: int = WORDY,
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
            tokens) `correct` means exact, `rank` is 1 or the size of the pool, and `log_prob` is not a number.
        asked: all queries of the exam as token ids, where `ask` has made them already.
        wordy: how many times as long as the longest answer a model may write.

    Returns:
        One score per query, in the order asked for.
    """
    was_training = model.training
    model.eval()
    wanted = range(len(exam.queries)) if queries is None else queries
    asked = ask(exam, tokenizer, wanted) if asked is None else [asked[i] for i in wanted]
    if not objective.learns_ends:
        asked = [replace(a, answer=a.answer[:-1]) for a in asked]
    pools = {name: Pool.of(exam.candidates[name], tokenizer) for name in {a.query.candidates: 0 for a in asked}}
    end = tokenizer.special.end  # a chat's turns end otherwise than the model's texts
    completions = write_answers(model, objective, asked, length, wordy=wordy, end=end)
    ranked, log_probs = _first_token_ranks(model, objective, asked, pools, length), [math.nan] * len(asked)
    whole = [n for n, a in enumerate(asked) if ranks and pools[a.query.candidates].single_C is None]
    scored = candidate_log_probs(model, objective, [asked[n] for n in whole], pools, length)
    for n, score_C in zip(whole, scored, strict=True):
        place, query = pools[asked[n].query.candidates].place, asked[n].query
        ranked[n], log_probs[n] = filtered_rank(score_C, place, query), float(score_C[place[query.answer]])
    rest = sorted(set(range(len(asked))) - set(whole)) if ranks else []
    pairs = [(asked[n].prompt, asked[n].answer) for n in rest]
    for n, log_prob in zip(rest, answer_log_probs(model, objective, pairs, length).tolist(), strict=True):
        log_probs[n] = log_prob
    scores = []
    for a, completion, log_prob, rank in zip(asked, completions, log_probs, ranked, strict=True):
        exact = any(completion[: len(ids)] == ids for ids in accepted(a, tokenizer, objective.learns_ends))
        scores.append(
            QueryScore(
                query=a.index,
                rank=rank if rank is not None else (1.0 if exact else float(len(exam.candidates[a.query.candidates]))),
                log_prob=log_prob,
                completion=tokenizer.decode(_until(end, completion)),
                correct=exact if rank is None else rank == 1.0,
                exact=exact,
            )
        )
    model.train(was_training)
    return scores


def ask(exam: Exam, tokenizer: Tokenizer, queries: Sequence[int]) -> list[Asked]:
    """Return the queries of these indices as token ids."""
    chosen = [(i, exam.queries[i]) for i in queries]
    return [Asked(i, query, *query_tokens(query, query.answer, tokenizer)) for i, query in chosen]


def accepted(asked: Asked, tokenizer: Tokenizer, ends: bool = True) -> list[list[int]]:
    """Return the ids of the answer and of its aliases, each with the token that ends it, or (ends) without."""
    aliases = [query_tokens(asked.query, alias, tokenizer)[1] for alias in asked.query.aliases]
    return [asked.answer, *(aliases if ends else (ids[:-1] for ids in aliases))]


def make_rows(pairs: Sequence[tuple[list[int], list[int]]], length: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return (tokens, which are asked, prompt lengths) for rows of prompt, answer and end tokens."""
    rows = [[*prompt, *answer, *[SPECIAL.end] * (length - len(prompt) - len(answer))] for prompt, answer in pairs]
    tokens_BL = torch.tensor(rows, dtype=torch.int64).view(len(pairs), length)
    length_B = torch.tensor([len(prompt) for prompt, _ in pairs], dtype=torch.int64)
    end_B = length_B + torch.tensor([len(answer) for _, answer in pairs], dtype=torch.int64)
    place_L = torch.arange(length)
    return tokens_BL, (place_L >= length_B[:, None]) & (place_L < end_B[:, None]), length_B


def answer_log_probs(
    model: LanguageModel, objective: Objective, pairs: Sequence[tuple[list[int], list[int]]], length: int
) -> Float[Tensor, " N"]:
    """Return log p(answer | prompt) of each (prompt, answer) pair, in nats; what pairs share is read once."""
    questions = [(prompt, Branches.of([answer])) for prompt, answer in pairs]
    scores = branch_log_probs(model, objective, questions, length)
    return torch.from_numpy(np.array([score_C[0] for score_C in scores], np.float64))


def branch_log_probs(
    model: LanguageModel, objective: Objective, questions: Sequence[tuple[list[int], Branches]], length: int
) -> list[np.ndarray]:
    """Return, for each prompt and the branches that may follow it, the log-probability of every branch, in nats.

    Prompts that begin alike are asked together; no more than `NODES` tokens at a time, whatever an exam holds.
    """
    if not questions:
        return []
    out: list[np.ndarray] = [np.zeros(0)] * len(questions)
    order = sorted(range(len(questions)), key=lambda q: questions[q][0])
    size_Q = np.array([len(questions[q][0]) + len(questions[q][1].token_N) for q in order])
    for group in np.split(np.array(order), np.flatnonzero(np.diff(size_Q.cumsum() // NODES)) + 1):
        tree, starts = grow([questions[q] for q in group])
        total_N = tree.sums(objective.tree_log_prob(model, tree, length))
        for q, start in zip(group, starts, strict=True):
            last_C = questions[q][1].last_C
            out[q] = np.where(last_C >= 0, total_N[np.where(last_C >= 0, start + last_C, 0)], 0.0)
    return out


def write_answers(
    model: LanguageModel,
    objective: Objective,
    asked: Sequence[Asked],
    length: int,
    choose: Choose = greedily,
    wordy: int = WORDY,
    end: int | None = None,
) -> list[list[int]]:
    """Return what the model writes after each prompt: token ids, to the end of its row.

    It stops where the text ends (at the token `end`, by default the model's own), or at so many times the length of
    the longest answer. Prompts of like length are asked together.
    """
    written: list[list[int]] = [[]] * len(asked)
    most = wordy * max((len(a.answer) for a in asked), default=0)
    by_length = sorted(range(len(asked)), key=lambda n: len(asked[n].prompt))
    for start in range(0, len(asked), ROWS):
        chunk = by_length[start : start + ROWS]
        tokens_BL, _, length_B = make_rows([(asked[n].prompt, []) for n in chunk], length)
        filled_BL = complete(
            lambda t, n: objective.next_log_prob(model, t, n),
            tokens_BL,
            length_B,
            end=model.special.end if end is None else end,
            most=most,
            choose=choose,
        )
        for n, row in zip(chunk, filled_BL, strict=True):
            written[n] = row[len(asked[n].prompt) :].tolist()
    return written


def _until(end: int, ids: list[int]) -> list[int]:
    return ids[: ids.index(end)] if end in ids else ids


def _first_token_ranks(
    model: LanguageModel, objective: Objective, asked: Sequence[Asked], pools: Mapping[str, Pool], length: int
) -> list[float | None]:
    """Return the filtered rank of each answer whose candidates are one token each; None for the others.

    A whole pool is scored by the one distribution after the prompt.
    """
    out: list[float | None] = [None] * len(asked)
    single = [n for n, a in enumerate(asked) if pools[a.query.candidates].single_C is not None]
    for start in range(0, len(single), ROWS):
        chunk = single[start : start + ROWS]
        tokens_BL, _, length_B = make_rows([(asked[n].prompt, []) for n in chunk], length)
        log_prob_BV = objective.next_log_prob(model, tokens_BL, length_B).numpy()
        for n, log_prob_V in zip(chunk, log_prob_BV, strict=True):
            pool = pools[asked[n].query.candidates]
            out[n] = filtered_rank(log_prob_V[pool.single_C], pool.place, asked[n].query)
    return out


def candidate_log_probs(
    model: LanguageModel, objective: Objective, asked: Sequence[Asked], pools: Mapping[str, Pool], length: int
) -> list[np.ndarray]:
    """Return, for each question, the log-probability of each candidate with what ends it (if that is learned), in nats.

    Questions of one prompt, pool and end are one question to the model.
    """
    keys = [(tuple(a.prompt), a.query.candidates, tuple(a.answer[-1:] * objective.learns_ends)) for a in asked]
    branches = {
        (name, end): Branches.of([[*ids, *end] for ids in pools[name].ids])
        for name, end in dict.fromkeys(key[1:] for key in keys)
    }
    unique = list(dict.fromkeys(keys))
    found = branch_log_probs(model, objective, [(list(key[0]), branches[key[1:]]) for key in unique], length)
    score_of = dict(zip(unique, found, strict=True))
    return [score_of[key] for key in keys]


def filtered_rank(score_C: np.ndarray, place: Mapping[str, int], query: Query) -> float:
    """Return the answer's rank from 1, other truths set aside and ties averaged.

    A model that gives no number has the last rank, and never the first: not a number is never right.

    Args:
        score_C: how likely each candidate is.
        place: where each candidate stands among the scores.
        query: says which one is asked for, and which others are true.

    >>> from bothways.types import Span
    >>> q = Query("", Span(0, 0), "b", (), ("a",), "", 0, "tail", True, "forward", "test", "", 0)
    >>> filtered_rank(np.array([3.0, 1.0, 1.0]), {"a": 0, "b": 1, "c": 2}, q)
    1.5
    """
    own = place[query.answer]
    rival_C = np.ones(len(score_C), bool)
    rival_C[[own, *(place[name] for name in query.other_truths if name in place)]] = False
    score, rivals = score_C[own], score_C[rival_C]
    if np.isnan(score) or np.isnan(rivals).any():
        return float(max(2, 1 + len(rivals)))
    return float(1 + (rivals > score).sum() + 0.5 * (rivals == score).sum())

"""One model's numbers both ways: what `audit` shows, and what stands before and after a fine-tune.

An answer counts by the measures of `scoring.py`, and by what the model writes: the answer is the first name mentioned,
and which share of its words is there (ROUGE-1 recall). Everything is of one model, so intervals speak of other
facts, not of other seeds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import fmean, median
from typing import Any

import numpy as np

from bothways.batches.tokenizers import Tokenizer
from bothways.errors import BothwaysError, EntityError
from bothways.evaluation.baselines import cue_of, shallow_baselines
from bothways.evaluation.rouge import first_mention, longest_run, rouge_recall
from bothways.evaluation.scoring import WORDY, evaluate, room_needed
from bothways.evaluation.statistics import crossed_bootstrap
from bothways.facts.templates import render
from bothways.facts.wording import orders, templates_of
from bothways.tensors import LanguageModel, Objective
from bothways.types import Exam, Query, QueryScore, finite

DIRECTIONS: Mapping[str, tuple[str, ...]] = {"forward": ("forward",), "reverse": ("reverse_tested", "reverse_partner")}
"""Which kinds of question a direction is read off: the first of them that is asked."""
TEMPLATED = 0.5
"""Share of a question's words that stand in a training text as one run, from which it counts as templated."""
TOLD = 0.5
"""Share of the flips that must have a true answer of their own, for relation and association to be told apart."""
SEED = 0
"""Of the bootstrap, so that the same scores give the same interval."""
LEAVES = (
    "accuracy", "low", "high", "exact", "first_mention", "rouge", "nll", "median_rank", "mrr", "n", "templated",
    "generic", "shared_words",
)  # fmt: skip
"""What is said of a kind of question."""


def measure_both_ways(
    model: LanguageModel,
    objective: Objective,
    tokenizer: Tokenizer,
    exam: Exam,
    *,
    room: int | None = None,
    wordy: int = WORDY,
    texts: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Ask a model the test questions of an exam, and return its numbers by direction as plain data.

    Args:
        model: any language model.
        objective: how it is asked.
        tokenizer: its tokenizer; a chat's asks as in a chat.
        exam: the questions; `forward` and `reverse` are its headlines.
        room: the longest row the model reads, in tokens, if that is known.
        wordy: how many times as long as the longest answer it may write.
        texts: what a fine-tune reads, one for each fact of the exam; its statements by default. Questions that copy
            them are counted apart.

    Raises:
        EntityError: the tokenizer cannot spell a name.
        BothwaysError: a question with its answer is longer than the model reads.
    """
    check_spelled(tokenizer, exam)
    length = row_length(tokenizer, exam, room, wordy)
    chosen = [n for n, query in enumerate(exam.queries) if query.split == "test"]
    scores = evaluate(model, objective, exam=exam, tokenizer=tokenizer, length=length, queries=chosen, wordy=wordy)
    return says_both_ways(exam, scores, texts)


def check_spelled(tokenizer: Tokenizer, exam: Exam) -> None:
    """See to it that every name that is asked for is spelled in tokens the tokenizer has.

    Raises:
        EntityError: a name has no token, or holds something unknown.
    """
    for name in dict.fromkeys(name for pool in exam.candidates.values() for name in pool):
        tokens = [token for token, _ in tokenizer.answer_pieces(name)]
        if not tokens or tokenizer.special.unknown in tokens:
            what = "has no token for" if not tokens else "cannot spell"
            raise EntityError(
                f"The tokenizer {what} {name!r}. Write the name in letters it knows, or take another model."
            )


def row_length(tokenizer: Tokenizer, exam: Exam, room: int | None, wordy: int) -> int:
    """Return how long rows are, in tokens: what questions need, and more for wordy answers where there is room.

    Raises:
        BothwaysError: a question with its answer is longer than the model reads.
    """
    needed = room_needed(exam, tokenizer)
    if room is not None and needed > room:
        raise BothwaysError(
            f"A question with its answer has {needed} tokens, and the model reads {room}. Shorten names or templates, "
            "or take a model with a longer context."
        )
    longest = max(len(tokenizer.answer_pieces(query.answer)) for query in exam.queries)
    return min(needed + (wordy - 1) * (longest + 1), room or 2**31)


def says_both_ways(exam: Exam, scores: Sequence[QueryScore], texts: Sequence[str] | None = None) -> dict[str, Any]:
    """Return what scores say: both directions, the flips, every other kind, baselines, and what is known already."""
    by_kind: dict[str, list[QueryScore]] = {}
    for score in scores:
        by_kind.setdefault(exam.queries[score.query].kind, []).append(score)
    read = statements(exam) if texts is None else texts
    kinds = {name: numbers_of(exam, found, read) for name, found in by_kind.items() if name != "flip"}
    used = {way: next((kind for kind in names if kind in kinds), names[0]) for way, names in DIRECTIONS.items()}
    nothing = {**dict.fromkeys(LEAVES), "n": 0}
    return {
        **{way: {**kinds.get(kind, nothing), "kind": kind} for way, kind in used.items()},
        "flip": flips_of(exam, by_kind.get("flip", []), scores),
        "others": {name: numbers for name, numbers in kinds.items() if name not in used.values()},
        "baselines": [asdict(one) for one in shallow_baselines(exam)],
        "known": known_of(exam, [by_kind.get(kind, []) for kind in used.values()]),
    }


def numbers_of(exam: Exam, scores: Sequence[QueryScore], texts: Sequence[str]) -> dict[str, Any]:
    """Return the numbers of one kind of question; templated and generic ones are those that copy a text and not."""
    queries = [exam.queries[score.query] for score in scores]
    correct_1Q = np.array([[float(score.correct) for score in scores]])
    interval = crossed_bootstrap(correct_1Q, [query.cluster for query in queries], SEED)
    shared = [longest_run(query.prompt, texts[query.fact]) for query in queries]
    apart = {
        "templated": [score.correct for score, share in zip(scores, shared, strict=True) if share >= TEMPLATED],
        "generic": [score.correct for score, share in zip(scores, shared, strict=True) if share < TEMPLATED],
    }
    return finite(
        {
            "accuracy": interval.mean,
            "low": interval.low,
            "high": interval.high,
            "exact": fmean(float(score.exact) for score in scores),
            "first_mention": fmean(float(is_mentioned(exam, score)) for score in scores),
            "rouge": fmean(best_rouge(query, score) for query, score in zip(queries, scores, strict=True)),
            "nll": -fmean(score.log_prob for score in scores),
            "median_rank": float(median(score.rank for score in scores)),
            "mrr": fmean(1 / score.rank for score in scores),
            "n": len(scores),
            **{
                name: {"accuracy": fmean(map(float, own)) if own else None, "n": len(own)}
                for name, own in apart.items()
            },
            "shared_words": fmean(shared),
        }
    )


def share_of(right: Sequence[bool]) -> dict[str, Any]:
    """Return which share of some questions is right, and how many they are."""
    return {"accuracy": fmean(map(float, right)) if right else None, "n": len(right)}


def is_mentioned(exam: Exam, score: QueryScore) -> bool:
    """Whether what the model wrote mentions the answer before any name that would be wrong.

    The cue and other true answers may be mentioned before it.
    """
    query = exam.queries[score.query]
    accepted = (query.answer, *query.aliases)
    aside = {*accepted, *query.other_truths, cue_of(query)}
    return first_mention(
        score.completion, accepted, (name for name in exam.candidates[query.candidates] if name not in aside)
    )


def best_rouge(query: Query, score: QueryScore) -> float:
    """Return the ROUGE-1 recall of the answer, or of the spelling of it that comes off best."""
    return max(rouge_recall(name, score.completion) for name in (query.answer, *query.aliases))


def statements(exam: Exam) -> list[str]:
    """Return what a fine-tune reads of each fact of an exam: its statements in the order that is stated."""
    relations = exam.facts.relations
    return [
        "\n".join(
            render(template, fact)[0]
            for order in orders(fact)
            for template in templates_of(relations[fact.relation], order)
        )
        for fact in exam.facts.facts
    ]


def flips_of(exam: Exam, flips: Sequence[QueryScore], scores: Sequence[QueryScore]) -> dict[str, Any]:
    """Return how often the partner is named under another relation (blind), and is right without it (specific)."""
    score_of = {score.query: score for score in scores}
    pairs = [(score, score_of[of]) for score in flips if (of := exam.queries[score.query].of) in score_of]
    names = ("blind", "blind_low", "blind_high", "specific", "specific_low", "specific_high")
    told = fmean(float(exam.queries[score.query].stated) for score, _ in pairs) if pairs else 0.0
    if told < TOLD:
        why = (
            f"cannot tell: only {told:.0%} of the cues have a second relation with another partner"
            if pairs
            else "cannot tell: no other relation's question accepts the answer's kind of entity"
        )
        return {**dict.fromkeys(names), "n": len(pairs), "why": why}
    clusters = [exam.queries[score.query].cluster for score, _ in pairs]
    found: dict[str, Any] = {}
    for name, right in (
        ("blind", [float(flip.correct) for flip, _ in pairs]),
        ("specific", [float(asked.correct and not flip.correct) for flip, asked in pairs]),
    ):
        interval = crossed_bootstrap(np.array([right]), clusters, SEED)
        found |= {name: interval.mean, f"{name}_low": interval.low, f"{name}_high": interval.high}
    return {**finite(found), "n": len(pairs), "why": None}


def known_of(exam: Exam, ways: Sequence[Sequence[QueryScore]]) -> dict[str, int]:
    """Return of how many facts the answer is ranked first and written too: forward, in reverse, and both ways."""
    known, asked = list[set[int]](), set[int]()
    for scores in ways:
        asked |= {exam.queries[score.query].fact for score in scores}
        known.append({exam.queries[s.query].fact for s in scores if s.correct and (s.exact or is_mentioned(exam, s))})
    forward, reverse = known
    return {"forward": len(forward), "reverse": len(reverse), "both": len(forward & reverse), "of": len(asked)}

"""ask: what does every trained model of a comparison answer?"""

import difflib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from bothways.batches.tokenizers import Tokenizer, exam_names, find_entities
from bothways.errors import EntityError, RunError
from bothways.evaluation.scoring import answer_log_probs, make_rows
from bothways.facts.readers.lines import short
from bothways.options import at_least
from bothways.reports.load import read_exam, read_jsonl
from bothways.runs import Trained, load
from bothways.tensors import SPECIAL

if TYPE_CHECKING:
    import pandas


MAX_PROMPT = 1000
"""Longest prompt, in characters."""
MAX_WORDS = 60
"""How many words of a prompt are compared with names."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One candidate answer of one trained model."""

    arm: str
    seed: int
    place: int
    """1 for the likeliest."""
    answer: str
    probability: float
    """Of exactly this answer and its end, among everything the model could write."""


@dataclass(frozen=True)
class Answers:
    """What every model of a comparison answers to one prompt."""

    prompt: str
    answers: tuple[Answer, ...]

    def to_pandas(self) -> "pandas.DataFrame":
        """One row per model and place."""
        import pandas

        return pandas.DataFrame([asdict(answer) for answer in self.answers])


def ask(run: str | Path, prompt: str, *, top: int = 3) -> Answers:
    """Ask every finished model of a comparison to complete a prompt.

    Args:
        run: the comparison's folder.
        prompt: text up to where the answer starts, naming at least one known entity.
        top: how many answers to give for each model.

    Raises:
        RunError: the folder is not a comparison, or a model in it is damaged.
        EntityError: the prompt names nothing the run knows; the message names what is near.
    """
    at_least(1, "One is the likeliest answer.", top=top)
    folder = Path(run)
    if not (folder / "exam.json").is_file():
        raise RunError(f"{folder} is not a comparison folder: it has no exam.json. Give one that compare wrote.")
    names = exam_names(read_exam(folder / "exam.json"))
    manifest = read_jsonl(folder / "manifest.jsonl", "run_id", "arm", "seed")
    finished = [row for row in manifest if (folder / row["run_id"] / "result.json").exists()]
    if not finished:
        raise RunError(f"{folder} holds no finished run. Finish it with bothways compare --resume.")
    answers: list[Answer] = []
    for row in finished:
        trained = load(folder / row["run_id"])
        ids = read_prompt(prompt, names, trained)
        for place, (name, probability) in enumerate(best_answers(trained, ids, names, top), 1):
            answers.append(Answer(row["arm"], row["seed"], place, name, probability))
    return Answers(prompt, tuple(answers))


def read_prompt(prompt: str, names: Sequence[str], trained: Trained) -> list[int]:
    """Return a prompt's ids, begin token included.

    Raises:
        EntityError: no entity is named, or a word is unknown, or it is too long.
    """
    if len(prompt) > MAX_PROMPT or not prompt.isprintable():
        raise EntityError(f"A prompt is one line of at most {MAX_PROMPT} characters, got {short(prompt)}. Shorten it.")
    found = find_entities(prompt, names)
    encoded = trained.tokenizer.encode(prompt.rstrip(), found)
    if not found or SPECIAL.unknown in encoded.ids:
        raise EntityError(f"{unknown_part(prompt, encoded.ids, encoded.start, bool(found))} {nearest(prompt, names)}")
    if len(encoded.ids) + 2 > trained.length:
        raise EntityError(
            f"The prompt has {len(encoded.ids)} tokens, the run reads at most {trained.length - 2}. Shorten it."
        )
    return [SPECIAL.begin, *encoded.ids]


def unknown_part(prompt: str, ids: list[int], starts: list[int], named: bool) -> str:
    """Say which part of a prompt is unknown."""
    words = [prompt[start:].split()[0] for token, start in zip(ids, starts, strict=True) if token == SPECIAL.unknown]
    if words:
        return f"The run does not know {', '.join(map(short, list(dict.fromkeys(words))[:3]))} in {short(prompt)}."
    return f"{short(prompt)} names no entity of the run."


def nearest(prompt: str, names: Sequence[str]) -> str:
    """Name the entities nearest to some stretch of the prompt."""
    words = prompt.replace("'s", " ").split()[:MAX_WORDS]
    stretches = [" ".join(words[i:j]) for i in range(len(words)) for j in range(i + 1, min(len(words), i + 4) + 1)]
    score = {
        name: max(difflib.SequenceMatcher(None, name, s).quick_ratio() for s in stretches or [""]) for name in names
    }
    near = sorted(names, key=lambda name: -score[name])[:3]
    return f"Nearest names: {', '.join(near)}."


@torch.inference_mode()
def best_answers(trained: Trained, ids: list[int], names: Sequence[str], top: int) -> list[tuple[str, float]]:
    """Return the likeliest entities with their probabilities: the answer's tokens and the end of the text."""
    pieces = {name: entity_ids(trained.tokenizer, name) for name in names}
    room = trained.length - len(ids) - 1
    tokens_BL, _, length_B = make_rows([(ids, [])], trained.length)
    first_V = trained.objective.next_log_prob(trained.model, tokens_BL, length_B)[0]
    fitting = [name for name in names if 0 < len(pieces[name]) <= room]
    shortlist = sorted(fitting, key=lambda name: -float(first_V[pieces[name][0]]))[: max(50, 10 * top)]
    pairs = [(ids, [*pieces[name], SPECIAL.end]) for name in shortlist]
    log_probs = answer_log_probs(trained.model, trained.objective, pairs, trained.length).tolist()
    ranked = sorted(zip(shortlist, log_probs, strict=True), key=lambda pair: -pair[1])
    return [(name, float(torch.tensor(log_prob).exp())) for name, log_prob in ranked[:top]]


def entity_ids(tokenizer: Tokenizer, name: str) -> list[int]:
    """Return an entity's ids."""
    return [token for token, _ in tokenizer.entity_pieces(name)]

"""What lm-evaluation-harness asks of a model, answered by any of ours: how likely a text is, and what follows one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch

from bothways.batches.chat import ChatTokenizer
from bothways.batches.huggingface import HuggingFaceTokenizer
from bothways.batches.tokenizers import WordTokenizer, find_entities
from bothways.disk import read_json
from bothways.errors import BothwaysError
from bothways.evaluation.general import Places, expectations, reads_as_it_stands
from bothways.evaluation.scoring import make_rows
from bothways.objectives.answering import complete
from bothways.options import at_least
from bothways.subjects import Subject, find_model, open_subject

ROOM = 64
"""Tokens after a prompt that a masked model has before it, at least, where the length of its rows is not known."""
ROWS = 32
"""Rows read at once."""

Ids = list[int]


@dataclass(frozen=True)
class Asked:
    """A model that is asked about texts.

    A masked model fills its row after what it is given, and expects other things in rows of other lengths. So a row
    of it is as long as in training, where that is known, else `ROOM` tokens longer than the prompt, whatever else
    is asked beside it.
    """

    subject: Subject
    length: int = 0
    """Tokens in a row; 0 where they are not known."""
    rows: int = ROWS
    """Rows read at once."""

    @property
    def limit(self) -> int:
        """The longest row the model reads."""
        return self.subject.room or 2**20

    def in_chat(self) -> "Asked":
        """Return the same model, asked in texts that its chat template has made.

        Raises:
            BothwaysError: it has none.
        """
        tokenizer = self.subject.tokenizer
        if not isinstance(tokenizer, HuggingFaceTokenizer) or not tokenizer.library.chat_template:
            raise BothwaysError(f"{self.subject.folder} has no chat template. Leave out --apply_chat_template.")
        return replace(self, subject=replace(self.subject, tokenizer=ChatTokenizer(tokenizer.library)))

    def encode(self, text: str, begin: bool = True) -> Ids:
        """Return the ids of a text, and before them those that every text begins with, unless a template wrote it."""
        tokenizer = self.subject.tokenizer
        names = tokenizer.names if isinstance(tokenizer, WordTokenizer) else ()
        ids = tokenizer.encode(text, find_entities(text, names)).ids
        start = tokenizer.begin if isinstance(tokenizer, ChatTokenizer) else tokenizer.start
        return [*start, *ids] if begin else ids

    @torch.inference_mode()
    def score(self, pairs: Sequence[tuple[Ids, Ids]]) -> list[tuple[float, bool]]:
        """Return log p(second | first) of each pair, in nats, and whether it is what the model would write.

        By the objective's own left-to-right reading. Of a pair that is longer than a row the beginning is left out.
        """
        pairs = [(first[max(0, len(first) + len(then) - self.limit) :], then) for first, then in pairs]
        found: list[tuple[float, bool]] = [(0.0, True)] * len(pairs)
        needs = [(len(first), len(then)) for first, then in pairs]
        for chunk, length in self._chunks(needs):
            tokens_BL, asked_BL, _ = make_rows([pairs[n] for n in chunk], length)
            row_N, length_N = asked_BL.nonzero(as_tuple=True)
            places, total_B = Places(tokens_BL, row_N, length_N), torch.zeros(len(chunk), dtype=torch.float64)
            greedy_B = torch.ones(len(chunk), dtype=torch.bool)
            for some, log_prob_NV in expectations(self.subject.model, self.subject.objective, places):
                token_N = places.token_N[some]
                total_B.index_add_(0, row_N[some], log_prob_NV.gather(1, token_N[:, None])[:, 0].double())
                greedy_B[row_N[some][log_prob_NV.argmax(1) != token_N]] = False
            for b, n in enumerate(chunk):
                found[n] = float(total_B[b]), bool(greedy_B[b])
        return found

    @torch.inference_mode()
    def write(self, prompts: Sequence[Ids], most: int, until: Sequence[str]) -> list[str]:
        """Return what the model writes after each prompt, greedily: up to its end, or to the first of some texts.

        Args:
            prompts: what it is given; of what leaves no room for an answer the beginning is left out.
            most: tokens it may write; fewer, where a masked model's row of known length is full before.
            until: texts that end an answer and are no part of it.
        """
        model, objective, tokenizer = self.subject.model, self.subject.objective, self.subject.tokenizer
        most, written = min(most, self.limit // 2), [""] * len(prompts)
        prompts = [prompt[max(0, len(prompt) + most - self.limit) :] for prompt in prompts]
        needs = [(len(prompt), self._left(len(prompt), most)) for prompt in prompts]
        for chunk, length in self._chunks(needs):
            tokens_BL, _, length_B = make_rows([(prompts[n], []) for n in chunk], length)
            filled_BL = complete(
                lambda t, n: objective.next_log_prob(model, t, n),
                tokens_BL,
                length_B,
                end=tokenizer.special.end,
                most=most,
            )
            for n, row in zip(chunk, filled_BL.tolist(), strict=True):
                ids = row[len(prompts[n]) :][:most]
                ids = ids[: ids.index(tokenizer.special.end)] if tokenizer.special.end in ids else ids
                written[n] = cut(tokenizer.decode(ids), until)
        return written

    def _chunks(self, needs: Sequence[tuple[int, int]]) -> Iterator[tuple[list[int], int]]:
        """Yield numbers of requests that are asked together, and how long their rows are.

        Args:
            needs: of each request the tokens it gives, and those that must fit after them.
        """
        lengths = [given + after for given, after in needs]
        if not self._plain:
            lengths = [max(self._row(given), total) for (given, _), total in zip(needs, lengths, strict=True)]
        order, at = sorted(range(len(needs)), key=lambda n: lengths[n]), 0
        while at < len(order):
            chunk = order[at : at + self.rows]
            chunk = chunk if self._plain else [n for n in chunk if lengths[n] == lengths[chunk[0]]]
            yield chunk, max(lengths[n] for n in chunk)
            at += len(chunk)

    def _left(self, given: int, most: int) -> int:
        """Return how many tokens may follow a prompt."""
        return most if self._plain or given >= self.length else min(most, self.length - given)

    def _row(self, given: int) -> int:
        return min(self.length or given + ROOM, self.limit)

    @cached_property
    def _plain(self) -> bool:
        """Whether what stands behind a place does not matter, so that rows of all lengths go together."""
        tokens_1L = torch.full((1, 3), self.subject.tokenizer.special.end)
        none_0 = torch.zeros(0, dtype=torch.int64)
        return reads_as_it_stands(self.subject.model, self.subject.objective, Places(tokens_1L, none_0, none_0))


def cut(text: str, until: Sequence[str]) -> str:
    """Return a text up to the first of some others.

    >>> cut("Ana Ruiz. Or not", ["!", ". "])
    'Ana Ruiz'
    """
    return text[: min((at for stop in until if stop and (at := text.find(stop)) >= 0), default=len(text))]


def open_asked(
    model: str | Path, objective: str | None = None, *, device: str = "cpu", rows: int = ROWS, length: int = 0
) -> Asked:
    """Open a model to be asked about texts.

    Args:
        model: a folder, of a run of ours or of a library model, or a name on the hub.
        objective: how it is asked; as it was trained, by default.
        device: where it computes; the processor, where there is no accelerator.
        rows: rows read at once.
        length: tokens in a row of a masked model; 0 for what a run was trained with, or for room after the prompt.

    Raises:
        RunError: there is no such model, or it is damaged.
        BothwaysError: the objective is unknown, or a number is below its least.
    """
    at_least(1, "Raise it.", rows=rows)
    at_least(0, "Leave it out, or raise it.", length=length)
    folder = find_model(model)
    subject = open_subject(folder, objective)
    subject.model.to(device if torch.cuda.is_available() or not device.startswith("cuda") else "cpu").eval()
    if not length and (folder / "config.yaml").exists():
        length = int(read_json(folder / "model" / "model.json")["length"])
    return Asked(subject, length, rows)

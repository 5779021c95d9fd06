"""An exam as tasks of lm-evaluation-harness, in a folder that can go wherever the model's goes.

Four tasks: what a model writes after a forward and after a reverse question, and which of the candidates it finds
likeliest. They differ from our own measures: an answer counts without the token that ends it, letters in capitals
and punctuation do not matter, and of many candidates 32 are kept.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from bothways.batches.chat import PLAIN, ChatTokenizer
from bothways.batches.tokenizers import Tokenizer
from bothways.disk import write_text
from bothways.errors import BothwaysError
from bothways.evaluation.both_ways import DIRECTIONS
from bothways.types import Exam, Query

FOLDER = "lm_eval"
"""Where the tasks stand, beside a model's weights."""
CHOICES = 32
"""Candidates of a question, its answer included."""
LEAST = 16
"""Tokens that any answer may have."""
READER = '''"""Gives lm-evaluation-harness the questions that stand beside this file. Written by bothways."""

import json
from pathlib import Path

from datasets import Dataset, DatasetDict


def read(direction):
    """Return the questions of one direction."""
    lines = Path(__file__).with_name(f"bothways_{direction}.jsonl").read_text(encoding="utf-8").splitlines()
    return DatasetDict({"test": Dataset.from_list([json.loads(line) for line in lines])})


def forward(**_):
    """Return the questions that ask for what a statement names last."""
    return read("forward")


def reverse(**_):
    """Return the questions that ask for what a statement names first."""
    return read("reverse")
'''
"""Without it the tasks would need the whole path of the questions, and be lost when the folder is moved."""


@dataclass(frozen=True)
class Tasks:
    """What was written."""

    folder: Path
    """The model's folder."""
    names: tuple[str, ...]
    """The tasks; those named `_choice` compare candidates."""
    chat: bool
    """Whether questions are to be put into the model's chat template."""

    @property
    def command(self) -> str:
        """What asks them of a causal model."""
        template = " --apply_chat_template" if self.chat else ""
        return (
            f"lm_eval run --model hf --model_args pretrained={self.folder} --include_path {self.folder / FOLDER} "
            f"--tasks {','.join(self.names)}{template}"
        )


def write_tasks(exam: Exam, folder: Path, tokenizer: Tokenizer) -> Tasks:
    """Write an exam's test questions as tasks, into a folder of the model's own.

    Args:
        exam: the questions, in the form the model is asked in.
        folder: the model's folder.
        tokenizer: how it is asked; a chat's puts questions into turns.

    Raises:
        BothwaysError: the exam asks nothing forward or in reverse.
    """
    chat = isinstance(tokenizer, ChatTokenizer)
    wording = PLAIN[0] if chat and not tokenizer.has_template else "{user}"
    tasks: dict[str, Mapping[str, Any]] = {}
    into = folder / FOLDER
    into.mkdir(parents=True, exist_ok=True)
    for direction in DIRECTIONS:
        asked = asked_of(exam, direction)
        if not asked:
            continue
        rows = [row_of(exam, n, query, wording) for n, query in asked]
        write_text(into / f"bothways_{direction}.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))
        tasks |= dict(describe(direction, [query for _, query in asked], rows))
    if not tasks:
        raise BothwaysError("The exam asks nothing forward or in reverse. Give facts of which some are tested.")
    for name, settings in tasks.items():
        reads = f"custom_dataset: !function questions.{name.split('_')[1]}\n"
        write_text(into / f"{name}.yaml", reads + yaml.safe_dump(dict(settings), sort_keys=False))
    write_text(into / "questions.py", READER)
    return Tasks(folder, tuple(tasks), chat and wording == "{user}")


def asked_of(exam: Exam, direction: str) -> list[tuple[int, Query]]:
    """Return the test questions of a direction with their numbers: of the first of its kinds that is asked."""
    for kind in DIRECTIONS[direction]:
        found = [(n, query) for n, query in enumerate(exam.queries) if (query.kind, query.split) == (kind, "test")]
        if found:
            return found
    return []


def row_of(exam: Exam, n: int, query: Query, wording: str) -> dict[str, Any]:
    """Return a question as plain data; its choices are the answer and candidates that are not true."""
    others = set(query.other_truths) | {query.answer, *query.aliases}
    rivals = [name for name in exam.candidates[query.candidates] if name not in others]
    random = np.random.default_rng([exam.seed, n])
    choices = [query.answer, *(rivals[i] for i in random.permutation(len(rivals))[: CHOICES - 1])]
    choices = [choices[i] for i in random.permutation(len(choices))]
    return {
        "question": wording.format(user=query.prompt),
        "answers": [query.answer, *query.aliases],
        "choices": choices,
        "gold": choices.index(query.answer),
        "kind": query.kind,
        "relation": query.relation,
    }


def describe(
    direction: str, queries: Sequence[Query], rows: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the tasks of a direction: one that writes, and one that chooses if there is something to choose from."""
    answers = [answer for row in rows for answer in row["answers"]]
    ends = sorted({query.ends.strip() for query in queries} - {""})
    common = {
        "test_split": "test",
        "doc_to_text": "question",
        "target_delimiter": " ",
        "metadata": {"version": 1.0},
    }
    yield (
        f"bothways_{direction}",
        {
            "task": f"bothways_{direction}",
            "output_type": "generate_until",
            "doc_to_target": "answers",
            "generation_kwargs": {
                "until": ["\n", *(end for end in ends if not any(end in answer for answer in answers))],
                "max_gen_toks": max(LEAST, 4 + max(map(len, answers))),
                "do_sample": False,
            },
            "metric_list": [
                {
                    "metric": "exact_match",
                    "aggregation": "mean",
                    "higher_is_better": True,
                    "ignore_case": True,
                    "ignore_punctuation": True,
                    "regexes_to_ignore": ["^\\s+", "\\s+$"],
                }
            ],
            **common,
        },
    )
    if min(len(row["choices"]) for row in rows) > 1:
        yield (
            f"bothways_{direction}_choice",
            {
                "task": f"bothways_{direction}_choice",
                "output_type": "multiple_choice",
                "doc_to_target": "gold",
                "doc_to_choice": "choices",
                "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
                **common,
            },
        )

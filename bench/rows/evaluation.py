"""Point 5: every candidate of every question of an exam, against lm-evaluation-harness with the same model.

The peer gets what it needs to be at its best: requests in one list, cut into tokens beforehand, sorted and batched by
itself at the best of a few batch sizes, no progress bars. Ours starts from the exam's text and is timed with the
cutting into tokens and the building of the tree. Both read the same folder, in the same process.
"""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from bench.base import NotMeasured, Pair, Row
from bothways.batches.huggingface import HuggingFaceTokenizer
from bothways.evaluation.scoring import Asked, Pool, ask, branch_log_probs, candidate_log_probs
from bothways.facts.exam import ExamConfig, make_exam
from bothways.facts.worlds.relations import Relations
from bothways.models.huggingface import HuggingFaceModel
from bothways.models.open import open_model
from bothways.objectives.causal import Causal
from bothways.trees import Branches
from bothways.types import Exam

END = "<|endoftext|>"
BATCH_SIZES = (16, 64, 256)
"""Among which the peer's best is chosen, on a part of the requests."""


@dataclass(frozen=True)
class Setting:
    """What is asked, and of which model."""

    n_questions: int
    n_choices: int
    """Candidates of a question; 0 for the whole pool."""
    n_tokens: int
    """Vocabulary of the model; the tokenizer's own merges fill as much of it as the exam's text gives."""
    ends: bool
    """Whether a candidate's log-probability includes the token that ends it, as our exams ask, or the candidate's
    tokens alone, as the peer's multiple-choice tasks ask."""


def make_pair(setting: Setting) -> Pair:
    """Build model, exam and requests, and check that both sides find the same log-probabilities."""
    from transformers import GPT2LMHeadModel

    peer_class = find_peer()
    exam = small_exam(setting)
    with tempfile.TemporaryDirectory() as folder:
        library = write_model(exam, setting.n_tokens, Path(folder))
        tokenizer = HuggingFaceTokenizer(library)
        model = open_model(Path(folder), tokenizer.special)
        reference = GPT2LMHeadModel.from_pretrained(folder, attn_implementation="sdpa").eval()
    requests = as_requests(exam, tokenizer, setting.ends)
    peer, batch_size = best_peer(peer_class, reference, library, requests)
    ours, theirs = np.concatenate(ours_on(model, tokenizer, exam, setting.ends)), np.array(peer_on(peer, requests))
    asked = ask(exam, tokenizer, range(len(exam.queries)))
    facts = {
        "largest_difference": float(np.abs(ours - theirs).max()),
        "candidates": len(requests) // len(exam.queries),
        "tokens_prompt": float(np.mean([len(a.prompt) for a in asked])),
        "tokens_answer": float(np.mean([len(a.answer) for a in asked])),
        "peer_batch_size": batch_size,
        **whole_run(peer, exam, setting.ends, ours),
    }
    return Pair(
        partial(ours_on, model, tokenizer, exam, setting.ends),
        partial(peer_on, peer, requests),
        units=len(exam.queries),
        repeats=7,
        facts=facts,
    )


def find_peer() -> Any:
    """Return the peer's class of Hugging Face models."""
    try:
        from lm_eval.models.huggingface import HFLM
    except ImportError as error:
        raise NotMeasured(f"lm-eval is not installed ({error.name}). Install bothways[bench].") from None
    return HFLM


def small_exam(setting: Setting) -> Exam:
    """Return questions in both directions on a made world, each with the answer among its candidates."""
    exam = make_exam(Relations().make(0), ExamConfig(), 0)
    random = np.random.default_rng(0)
    drawn = sorted(random.permutation(len(exam.queries))[: setting.n_questions].tolist())
    queries, pools = [], dict(exam.candidates) if setting.n_choices == 0 else {}
    for n, query in enumerate(exam.queries[i] for i in drawn):
        if setting.n_choices:
            others = [name for name in exam.candidates[query.candidates] if name != query.answer]
            chosen = random.choice(others, setting.n_choices - 1, replace=False).tolist()
            pools[f"choices {n}"] = tuple(random.permutation([query.answer, *chosen]).tolist())
            query = replace(query, candidates=f"choices {n}")
        queries.append(replace(query, of=None))
    return replace(exam, queries=tuple(queries), candidates=pools)


def write_model(exam: Exam, n_tokens: int, folder: Path) -> Any:
    """Save a GPT-2 of four layers with random weights, and return a tokenizer trained on the exam's text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    library = Tokenizer(models.BPE())
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=n_tokens, special_tokens=[END], initial_alphabet=alphabet, show_progress=False
    )
    everything = make_exam(Relations().make(0), ExamConfig(), 0)
    library.train_from_iterator([f"{q.prompt} {q.answer}" for q in everything.queries], trainer)
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=n_tokens, n_positions=128, n_embd=256, n_layer=4, n_head=4)
    config.bos_token_id = config.eos_token_id = library.token_to_id(END)
    GPT2LMHeadModel(config).save_pretrained(folder)
    return PreTrainedTokenizerFast(tokenizer_object=library, bos_token=END, eos_token=END, pad_token=END)


Request = tuple[tuple[str, str], list[int], list[int]]


def as_requests(exam: Exam, tokenizer: HuggingFaceTokenizer, ends: bool) -> list[Request]:
    """Return the exam as the peer takes it: text, and the ids of prompt and candidate."""
    out = []
    for query in exam.queries:
        prompt = tokenizer.library(query.prompt).input_ids
        for name in exam.candidates[query.candidates]:
            text = f" {name}{END if ends else ''}"
            out.append(((query.prompt, text), prompt, tokenizer.library(text).input_ids))
    return out


def best_peer(peer_class: Any, model: Any, tokenizer: Any, requests: Sequence[Request]) -> tuple[Any, int]:
    """Return the peer with the batch size that is fastest on some of the requests."""
    some = list(requests[:: max(1, len(requests) // 1000)])
    times = {}
    for batch_size in BATCH_SIZES:
        peer = peer_class(pretrained=model, tokenizer=tokenizer, batch_size=batch_size)
        took = []
        for _ in range(3):
            start = time.perf_counter()
            peer_on(peer, some)
            took.append(time.perf_counter() - start)
        times[batch_size] = median(took)
    best = min(times, key=lambda size: times[size])
    return peer_class(pretrained=model, tokenizer=tokenizer, batch_size=best), best


def peer_on(peer: Any, requests: Sequence[Request]) -> list[float]:
    """Return the peer's log-probabilities."""
    return [found[0] for found in peer._loglikelihood_tokens(list(requests), disable_tqdm=True)]


def whole_run(peer: Any, exam: Exam, ends: bool, ours: np.ndarray) -> dict[str, float]:
    """Run the exam once as a task of the peer's own, from text to accuracy: its seconds, and its largest difference.

    Those seconds hold what `Pair.peer` leaves out: building requests, cutting text into tokens, metrics.
    """
    from datasets import Dataset
    from lm_eval import simple_evaluate
    from lm_eval.api.task import ConfigurableTask

    docs = []
    for query in exam.queries:
        pool = exam.candidates[query.candidates]
        choices = [name + (END if ends else "") for name in pool]
        docs.append({"prompt": query.prompt, "choices": choices, "label": pool.index(query.answer)})
    config = {
        "task": "exam",
        "custom_dataset": lambda **_: {"test": Dataset.from_list(docs)},
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "{{prompt}}",
        "doc_to_choice": "choices",
        "doc_to_target": "label",
        "target_delimiter": " ",
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
    }
    start = time.perf_counter()
    found = simple_evaluate(model=peer, tasks=[ConfigurableTask(config=config)], bootstrap_iters=0)
    took = time.perf_counter() - start
    samples = sorted(found["samples"]["exam"], key=lambda sample: sample["doc_id"])
    theirs = np.array([float(score[0]) for sample in samples for score in sample["filtered_resps"]])
    return {
        "peer_whole_run_seconds": took / len(exam.queries),
        "largest_difference_whole_run": float(np.abs(ours - theirs).max()),
    }


@torch.inference_mode()
def ours_on(model: HuggingFaceModel, tokenizer: HuggingFaceTokenizer, exam: Exam, ends: bool) -> list[np.ndarray]:
    """Return our log-probabilities, question by question."""
    asked: list[Asked] = ask(exam, tokenizer, range(len(exam.queries)))
    pools = {name: Pool.of(pool, tokenizer) for name, pool in exam.candidates.items()}
    if ends:
        return candidate_log_probs(model, Causal(), asked, pools, length=0)
    branches = {name: Branches.of(pool.ids) for name, pool in pools.items()}
    return branch_log_probs(model, Causal(), [(a.prompt, branches[a.query.candidates]) for a in asked], length=0)


def row(setting: Setting, what: str) -> Row:
    """Return the line of one setting."""
    return Row(
        name=f"evaluation: {what}",
        point=5,
        ours="bothways, shared prefixes read once",
        peer="lm-evaluation-harness, its hf backend",
        unit="query",
        make=partial(make_pair, setting),
        least=None if setting.ends else 5.0,  # the peer's multiple-choice tasks score no end
    )


ROWS: list[Row] = [
    row(Setting(n_questions=n, n_choices=c, n_tokens=2000, ends=ends), f"{what}, {asked}")
    for ends, asked in ((False, "the candidate alone"), (True, "the candidate and its end"))
    for n, c, what in ((400, 4, "4 candidates"), (100, 20, "20 candidates"), (16, 0, "the exam's pool of 300"))
]

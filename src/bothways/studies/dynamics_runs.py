"""The runs of the training-dynamics study: data sets, shapes and optimisers as released, and what varies.

As released: GPT-2 with its own output matrix, AdamW at a constant rate of 0.01 with betas 0.9 and 0.999 and a decay of
0.01, batches of 64, 3,000 epochs, the loss on the last entity alone, 24 layers of width 768. `quick` trains one layer
of width 20 instead, which shows the same curves (the source says so itself). Everywhere: no dropout, our initial
weights, and a step every 64 rows, where the source closes each epoch with a smaller batch.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bothways.batches.batches import BatchConfig
from bothways.batches.tokenizers import TokenizerConfig
from bothways.config import RunConfig, Scalar, change
from bothways.facts.worlds.arrows import Arrows
from bothways.facts.worlds.chain import Chain
from bothways.facts.worlds.chain_related import ChainRelated
from bothways.facts.worlds.family import Family
from bothways.facts.worlds.in_context import InContext
from bothways.facts.worlds.pairs import Pairs
from bothways.mechanisms.answers import Answers
from bothways.mechanisms.embedding_cosine import EmbeddingCosine
from bothways.mechanisms.weight_asymmetry import WeightAsymmetry
from bothways.mechanisms.weight_map import WeightMap
from bothways.models.bilinear import BilinearConfig
from bothways.models.gru import GruConfig
from bothways.models.pairwise import PairwiseConfig
from bothways.models.transformer import TransformerConfig
from bothways.registry import names
from bothways.studies.base import Group
from bothways.studies.setups import exam_of
from bothways.tensors import ModelConfig
from bothways.training.loop import TrainingConfig
from bothways.training.speed import fast_precision
from bothways.types import Exam

ARM = "causal:count=last_entity"
NO_CLIP = 1e9
WIDTHS = (16, 64, 256)
"""Embedding dimensions in which Theorem 1's exponent is fitted."""
DECAYS = {"0": 0.0, "1": 0.3, "8": 2.4}
"""Decay of the peer's runs, and ours at a rate of 0.001: decay times rate is the peer's (0.0003 times its own)."""
QUICK = 600
"""Epochs of the quick runs: the released code's own short runs had as many."""
RELEASED = 3000
"""Epochs that the paper trains for."""
WIDE, DEEP = 60, 150
"""Epochs of the quick runs at one layer of width 768, and at 24 layers of width 20."""
IN_CONTEXT, IN_CONTEXT_FULL = 800, 3000
"""Steps on the in-context data: of the quick shape, and of the released one."""
FAMILY_STEPS = 1500
"""Steps on families, whatever their decay."""
VOCABULARIES = (20, 50, 200, 2000)
POSITIONS = ("none", "learned", "rotary")


def shape(n_layers: int, d_model: int, n_heads: int, **more: Any) -> TransformerConfig:
    """Return a GPT-2 of these proportions."""
    sizes: dict[str, Any] = {"n_layers": n_layers, "d_model": d_model, "n_heads": n_heads, "d_mlp": 4 * d_model}
    return TransformerConfig(activation="gelu", **sizes, **more)


def epochs(n: int, sentences: int) -> int:
    """Return the steps of n epochs in batches of 64."""
    return max(1, round(n * sentences / 64))


def as_released(steps: int, model: TransformerConfig, **settings: Scalar) -> RunConfig:
    """Return the released optimiser's settings for a shape, with changes by their paths."""
    training = TrainingConfig(
        steps=steps, learning_rate=0.01, warmup=0.0, final=1.0, beta2=0.999, weight_decay=0.01, clip=NO_CLIP,
        measurements=12, checkpoint_seconds=60.0,
    )  # fmt: skip
    config = RunConfig(
        batches=BatchConfig(batch_size=64), model=model, training=training,
        probes=(Answers(), WeightMap(), EmbeddingCosine(), WeightAsymmetry()), watch=(Answers(), WeightAsymmetry()),
    )  # fmt: skip
    return change(config, {path.replace("__", "."): value for path, value in settings.items()})


def flow(steps: int, rate: float, rows: int, model: ModelConfig) -> RunConfig:
    """Return plain gradient descent on all rows at once, without decay or clipping: the gradient flow of theory."""
    training = TrainingConfig(
        steps=steps, learning_rate=rate, warmup=0.0, final=1.0, optimizer="sgd", weight_decay=0.0, clip=NO_CLIP,
        measurements=25, checkpoint_seconds=60.0,
    )  # fmt: skip
    return RunConfig(
        batches=BatchConfig(batch_size=rows), model=model, training=training,
        probes=(Answers(), WeightAsymmetry()), watch=(Answers(), WeightAsymmetry()),
    )  # fmt: skip


def group(name: str, exam: Callable[[int], Exam], config: RunConfig, arm: str = ARM, **axes: Scalar) -> Group:
    """Return a group."""
    return Group(name=name, arm=arm, config=config, exam=exam, axes=axes)


def small(steps: int, **settings: Scalar) -> RunConfig:
    """Return one layer of width 20, as released otherwise."""
    return as_released(steps, shape(1, 20, 1), **settings)


def data_sets(config: Callable[[int], RunConfig], n_epochs: int, n_cures: int, before: str) -> Iterator[Group]:
    """Yield the four data sets, and the reversal data under every mitigation."""
    reversal, chain = exam_of(Arrows()), exam_of(Chain())
    yield group(f"{before}reversal", reversal, config(epochs(n_epochs, 340)), data="reversal")
    yield group(f"{before}chain", chain, config(epochs(n_epochs, 540)), data="chain")
    for mitigation in names("mitigations"):
        arm = f"{ARM}+{mitigation}"
        yield group(f"{before}reversal {mitigation}", reversal, config(epochs(n_cures, 340)), arm, data="reversal")
        if before:
            yield group(f"{before}chain {mitigation}", chain, config(epochs(n_cures, 540)), arm, data="chain")


def in_context(before: str, model: TransformerConfig, steps: int, mitigation: str = "") -> Group:
    """Return the in-context data under a shape that can look back twice, and maybe a mitigation."""
    config = as_released(steps, model, training__learning_rate=0.002, training__warmup=0.05)
    config = replace(config, probes=(Answers(),), watch=(Answers(),))
    name, arm = f"{before}in context {mitigation}".rstrip(), f"{ARM}+{mitigation}".rstrip("+")
    return group(name, exam_of(InContext()), config, arm, data="in context")


def theory() -> Iterator[Group]:
    """Yield the bilinear model by embedding dimension, and the pairwise one on both data sets."""
    for width in WIDTHS:
        config = flow(1000, 4.0, 39, BilinearConfig(d_model=width))
        made = group(f"bilinear {width}", exam_of(Pairs(n=20)), config, width=width)
        yield replace(made, repeat=4)
    for name, exam, rows in (("reversal", exam_of(Arrows()), 340), ("chain", exam_of(Chain()), 540)):
        yield group(f"pairwise {name}", exam, flow(500, 100.0, rows, PairwiseConfig()), data=name)


def weight_decay(n_epochs: int, steps: int) -> Iterator[Group]:
    """Yield the released set-up with the decay that the paper lists, and families under the peer's decays."""
    yield group("decay 0.9", exam_of(Arrows()), small(epochs(n_epochs, 340), training__weight_decay=0.9), decay=0.9)
    model = TransformerConfig(d_model=64, n_heads=4, d_mlp=256)
    families = exam_of(Family(), isolated=0.25, partner=0.25)
    for label, decay in DECAYS.items():
        precision = fast_precision()
        training = TrainingConfig(
            steps=steps, learning_rate=1e-3, weight_decay=decay, measurements=10, precision=precision
        )
        config = RunConfig(batches=BatchConfig(batch_size=128), model=model, training=training, probes=(Answers(),))
        yield group(f"family decay {label}", families, config, "causal", decay=decay)


def shapes(n_epochs: Mapping[tuple[int, int, int], int]) -> Iterator[Group]:
    """Yield the reversal data under other depths and widths: (layers, width, heads) and how many epochs each gets."""
    for (n_layers, width, heads), n in n_epochs.items():
        rate = 0.01 if n_layers * width < 700 else 0.001
        precision = fast_precision() if width > 32 else "fp32"
        made = shape(n_layers, width, heads)
        config = as_released(epochs(n, 340), made, training__learning_rate=rate, training__precision=precision)
        yield group(f"shape {n_layers} x {width}", exam_of(Arrows()), config, layers=n_layers, width=width)


def sweeps(config: Callable[..., RunConfig], n_epochs: int) -> Iterator[Group]:
    """Yield what the paper varies one at a time: vocabulary, entity length, positions and output matrix."""
    for vocabulary in VOCABULARIES:
        steps = max(epochs(n_epochs, round(0.425 * vocabulary)), 300)
        yield group(f"vocabulary {vocabulary}", exam_of(Arrows(vocabulary=vocabulary)), config(steps), size=vocabulary)
    for length, sentences in ((2, 680), (3, 250)):
        words = replace(config(epochs(n_epochs, sentences)), tokenizer=TokenizerConfig(kind="word"))
        words = replace(words, probes=(Answers(), WeightAsymmetry()))
        yield group(f"length {length}", exam_of(Arrows(length=length)), words, length=length)
    for positions in POSITIONS:
        made = config(epochs(n_epochs, 340), model__positions=positions)
        yield group(f"positions {positions}", exam_of(Arrows()), made, positions=positions)
    yield group("frozen", exam_of(Arrows()), config(epochs(n_epochs, 340), model__frozen=True), frozen=True)
    yield group("tied", exam_of(Arrows()), config(epochs(n_epochs, 340), model__tied=True), tied=True)
    for n_train in (10, 50, 200, 500):
        related = replace(config(epochs(n_epochs, 3 * n_train + 100)), tokenizer=TokenizerConfig(kind="word"))
        related = replace(related, probes=(Answers(),), watch=(Answers(),))
        yield group(f"related {n_train}", exam_of(ChainRelated(n_train=n_train)), related, triples=n_train)


def left_open(n_epochs: int) -> Iterator[Group]:
    """Yield what the paper leaves open, as cheap arms: other losses, penalties, attention, residuals, a GRU."""
    steps, exam = epochs(n_epochs, 340), exam_of(Arrows())
    for objective in names("objectives"):
        yield group(f"open loss {objective}", exam, small(steps), objective, open=f"loss {objective}")
    yield group("open decay 0.1", exam, small(steps, training__weight_decay=0.1), open="decay 0.1")
    yield group("open symmetry", exam, small(steps), f"{ARM}+weight_symmetry", open="weight symmetry")
    yield group("open attention linear", exam, small(steps, model__attention="linear"), open="attention linear")
    yield group("open no residual", exam, small(steps, model__residual=False), open="no residual")
    gru = replace(small(steps), model=GruConfig(d_model=20), probes=(Answers(),), watch=(Answers(),))
    yield group("open gru", exam, gru, open="gru")


def quick_groups() -> Sequence[Group]:
    """Return what two cores train in minutes: one layer of width 20, and a few steps of the other shapes."""
    return [
        *data_sets(small, QUICK, QUICK // 2, ""),
        in_context("", shape(2, 64, 4), IN_CONTEXT),
        *theory(),
        *weight_decay(QUICK, FAMILY_STEPS),
        *shapes({(1, 768, 12): WIDE, (24, 20, 1): DEEP}),
        *left_open(QUICK // 2),
    ]


def all_groups() -> Sequence[Group]:
    """Return everything: the quick groups, and the released shape with every sweep, for an accelerator or a cluster."""

    def released(steps: int, **settings: Scalar) -> RunConfig:
        return as_released(steps, shape(24, 768, 12), **settings)

    return [
        *quick_groups(),
        *data_sets(released, RELEASED, RELEASED, "full "),
        *(in_context("full ", shape(24, 768, 12), IN_CONTEXT_FULL, cure) for cure in ("", *names("mitigations"))),
        *sweeps(small, RELEASED),
        *shapes(dict.fromkeys(((12, 768, 12), (48, 768, 12), (24, 768, 1)), RELEASED)),
    ]

"""The runs of the masked-diffusion study: a one-layer encoder that learns a symmetric relation, and what is ablated.

The source's own toy is not described where we could read it, so this is ours: 200 pairs "a meets b", one token an
entity, one layer of width 64 with one head, no MLP, rotary positions, an output matrix of its own, 1,500 steps of 128
rows. `mirror` states every pair in one order, `mixed` 70 % of them in both; `broken` gives the unstated order a word
more.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product

from bothways.batches.batches import BatchConfig
from bothways.config import RunConfig, Scalar, change
from bothways.facts.worlds.bijection import Bijection
from bothways.facts.worlds.mirror import Mirror
from bothways.mechanisms.answers import Answers
from bothways.mechanisms.attention_routes import AttentionRoutes
from bothways.mechanisms.factorisation_gap import FactorisationGap
from bothways.mechanisms.gradient_alignment import GradientAlignment
from bothways.mechanisms.restoration import Restoration
from bothways.mechanisms.storage_evidence import StorageEvidence
from bothways.models.transformer import TransformerConfig
from bothways.studies.base import Group
from bothways.studies.setups import exam_of
from bothways.training.loop import TrainingConfig
from bothways.training.speed import fast_precision
from bothways.types import Exam

PAIRS = 200
STEPS = 1500
MIXED = exam_of(Mirror(n=PAIRS, both=0.7))
WORLDS: dict[str, Callable[[int], Exam]] = {
    "mirror": exam_of(Mirror(n=PAIRS)),
    "mixed": MIXED,
    "broken": exam_of(Mirror(n=PAIRS, both=0.7, broken=True)),
    "inverse": exam_of(Bijection(n=PAIRS)),
}
"""Symmetric in one order, symmetric with some pairs in both, the same with a broken mirror, and R with its own R⁻¹."""
OBJECTIVES = {
    "causal": "causal",
    "masked": "masked_diffusion",
    "fixed": "masked_lm:rate=0.15",
    "keep A": "masked_diffusion:keep=first",
    "keep B": "masked_diffusion:keep=last",
}
POSITIONS = ("rotary", "alibi", "learned", "none")
SHARING = {
    "shared": {},
    "storage by side": {"model__storage": "by_side"},
    "routing by side": {"model__routing": "by_side"},
}


def toy(steps: int = STEPS, **settings: Scalar) -> RunConfig:
    """Return the one-layer encoder's recipe, with changes by their paths."""
    model = TransformerConfig(n_layers=1, d_model=64, n_heads=1, d_mlp=0, positions="rotary")
    training = TrainingConfig(steps=steps, learning_rate=4e-3, measurements=15, precision=fast_precision())
    probes = (Answers(), Restoration(), AttentionRoutes(), StorageEvidence(), GradientAlignment(), FactorisationGap())
    config = RunConfig(batches=BatchConfig(batch_size=128), model=model, training=training, probes=probes)
    return change(config, {path.replace("__", "."): value for path, value in settings.items()})


def group(name: str, world: str, config: RunConfig, arm: str = "masked_diffusion", **axes: Scalar) -> Group:
    """Return a group."""
    return Group(name=name, arm=arm, config=config, exam=WORLDS[world], axes={"world": world, **axes})


def core() -> Iterator[Group]:
    """Yield the encoder in every world, watched; before training; and the causal model of the same size."""
    watch = (Answers(), Restoration(), AttentionRoutes(), StorageEvidence(), GradientAlignment(rates=()))
    for world in WORLDS:
        yield group(f"masked {world}", world, replace(toy(), watch=watch))
        yield group(f"causal {world}", world, replace(toy(), watch=watch[:1]), "causal")
    yield group("start", "mixed", toy(1, training__learning_rate=1e-12))


def ablations() -> Iterator[Group]:
    """Yield what is varied one at a time: objective, attention, positions, tying, sharing, depth."""
    for name in ("fixed", "keep A", "keep B"):
        yield group(f"objective {name}", "mixed", toy(), OBJECTIVES[name], objective=name)
    yield group("attention causal", "mixed", toy(), "masked_diffusion:attention=causal", attention="causal")
    for positions, world in product(POSITIONS, ("mixed", "broken")):
        yield group(f"positions {positions} {world}", world, toy(model__positions=positions), positions=positions)
    for name, cut in SHARING.items():
        if cut:
            yield group(f"sharing {name}", "mixed", toy(**cut), sharing=name)
    yield group("tied", "mixed", toy(model__tied=True), tied=True)


def grid() -> Iterator[Group]:
    """Yield the whole grid: objective, attention, positions, tying and depth; blocks of several layers have MLPs."""
    for (name, arm), attention, positions, tied, layers in product(
        OBJECTIVES.items(), ("full", "causal"), POSITIONS, (False, True), (1, 2, 4)
    ):
        if name in ("causal", "fixed") and attention == "causal":
            continue  # one reads left to right anyway, the other has no such option
        config = toy(
            2 * STEPS, model__positions=positions, model__tied=tied, model__n_layers=layers,
            model__d_mlp=0 if layers == 1 else 256,
        )  # fmt: skip
        option = ":attention=causal" if attention == "causal" else ""
        place = {"objective": name, "attention": attention, "positions": positions, "tied": tied, "layers": layers}
        yield group("grid " + " ".join(map(str, place.values())), "mixed", config, arm + option, **place)


def all_groups(quick: bool) -> Sequence[Group]:
    """Return the groups: with `quick` the core and one ablation at a time, else the grid too."""
    return [*core(), *ablations(), *(() if quick else grid())]

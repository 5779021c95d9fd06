"""The runs of the relational-semantics study: text of the world of graphs, as much of it as a preset affords.

Two forms of text serve two questions. Paragraphs tell a whole graph, so that its second half can be read off its first:
there in-context rules emerge. Single sentences name a pair in one order and nowhere else, so that word order can be
told from meaning. One recipe serves causal models and masked diffusion.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Literal

from bothways.batches.batches import BatchConfig
from bothways.batches.tokenizers import TokenizerConfig, TokenizerKind
from bothways.config import RunConfig
from bothways.facts.graphs.exam import graph_exam
from bothways.facts.worlds.graphs import Graphs
from bothways.mechanisms.partner_lens import PartnerLens
from bothways.mechanisms.tasks import Tasks
from bothways.models.positions import Positions
from bothways.models.transformer import TransformerConfig
from bothways.studies.base import Group
from bothways.text.corpus import TextConfig
from bothways.text.graph_text import GraphText
from bothways.training.loop import Device, TrainingConfig
from bothways.training.speed import Precision, fast_precision
from bothways.types import Exam

CLOSED_BOOK = "sentences causal"
"""The group that learns single sentences in one order by heart."""
BOTH_ENDS = "sentences both ends"
"""The same where the hub stands between both ends of one pair: who takes both words for one is right in half."""
TUNED = "sentences tuned"
"""The same with more and faster tuning, which teaches questions and forgets statements."""
CAUSAL, DIFFUSION = "causal", "masked_diffusion:mask=either"
"""Names are hidden whole in half of the rows: where only parts are hidden, three words are a riddle of their own."""
SCHEDULES = {
    "by token": "masked_diffusion",
    "by entity": "masked_diffusion:mask=entity",
    "inverse rate": "masked_diffusion:weighting=inverse_rate:normalisation=tokens",
    "fixed rate": "masked_lm:rate=0.5",
    "any order": "any_order",
    "causal attention": "masked_diffusion:attention=causal",
}
"""Other ways to mask, compared by what reverse accuracy they reach per FLOP; and masks read left to right."""
TUNING_RATE = 0.1
"""Share of the peak rate that tuning begins with; the paper's is 0.05, over more steps."""
WATCHED = 12
"""Measurements of a run; the last of them comes after tuning."""


@dataclass(frozen=True, kw_only=True)
class Text:
    """How much of which text, and for how long."""

    steps: int
    """Of pre-training; a share of 1 / (WATCHED - 1) comes on top for tuning."""
    batch: int
    """Rows of a batch."""
    copies: int
    """K: paragraphs of a graph, or sentences of a triple."""
    rate: float
    """Peak learning rate."""
    positions: Positions


@dataclass(frozen=True, kw_only=True)
class Size:
    """A size of the whole study."""

    name: str
    world: Graphs
    """Its number of told graphs is the largest N."""
    n_asked: int
    """Most graphs of each part that are asked about."""
    levels: Sequence[int]
    """Numbers of told graphs, N; the last is the world's."""
    width: int
    n_heads: int
    n_layers: int
    d_mlp: int
    """Width of each block's MLP."""
    depths: Sequence[int] = ()
    """Other numbers of layers, at the largest N."""
    copies: Sequence[int] = ()
    """Other numbers of paragraphs, K, at the middle N."""
    paragraph: Text
    sentence: Text
    book: Graphs
    """The world of single sentences, where every pair must be learned by heart."""
    n_book: int
    """Most graphs of it that are asked about."""
    diffusion_steps: int
    """Steps of masked diffusion on sentences: it learns by heart several times slower."""
    long_tuning: int
    """Steps of tuning where questions are to be learned well."""
    diffusion_levels: Sequence[int]
    """Numbers of told graphs that masked diffusion reads in paragraphs; none where its steps would not be enough."""
    tokenizer: TokenizerKind = "word"
    device: Device = "cpu"
    precision: Precision = "fp32"
    whole: bool = False
    """Whether objectives, schedules and attention are swept too."""


LAPTOP = Size(
    name="laptop",
    world=Graphs(n_graphs=12_800, n_tested=60, n_context=60, pool=40, n_jobs=20, n_symmetric=1, n_inverse=1),
    n_asked=60,
    levels=(200, 800, 3_200, 12_800),
    width=128,
    n_heads=4,
    n_layers=3,
    d_mlp=256,
    depths=(1, 2),
    copies=(),
    paragraph=Text(steps=2_200, batch=32, copies=4, rate=4e-3, positions="alibi"),
    sentence=Text(steps=1_100, batch=256, copies=20, rate=3e-3, positions="rotary"),
    book=Graphs(n_graphs=300, n_tested=100, n_context=1, parts=1, n_jobs=20, n_symmetric=1, n_inverse=1),
    n_book=100,
    diffusion_steps=3_025,
    long_tuning=300,
    diffusion_levels=(),
    precision=fast_precision(),
)
"""Two cores, an hour."""
GPU = Size(
    name="gpu",
    world=Graphs(n_graphs=20_000, n_tested=500, n_context=500),
    n_asked=500,
    levels=(200, 600, 2_000, 6_000, 20_000),
    width=768,
    n_heads=12,
    n_layers=12,
    d_mlp=3_072,
    depths=(1, 2, 3, 5, 8),
    copies=(10,),
    paragraph=Text(steps=8_800, batch=2_048, copies=100, rate=6e-4, positions="learned"),
    sentence=Text(steps=8_800, batch=8_192, copies=100, rate=6e-4, positions="learned"),
    book=Graphs(n_graphs=20_000, n_tested=500, n_context=1),
    n_book=500,
    diffusion_steps=35_200,
    long_tuning=4_400,
    diffusion_levels=(200, 600, 2_000, 6_000, 20_000),
    device="cuda",
    precision="bf16",
    whole=True,
)
"""One GPU, hours."""
PAPER = replace(
    GPU,
    name="paper",
    world=replace(GPU.world, n_graphs=200_000),
    levels=(2_000, 6_000, 20_000, 60_000, 200_000),
    depths=(1, 2, 3, 5, 8, 16, 20, 30),
    paragraph=replace(GPU.paragraph, steps=88_000, batch=4_096),
    book=replace(GPU.book, n_graphs=200_000),
    diffusion_levels=(2_000, 20_000, 200_000),
)
"""Several GPUs, days: N = 200,000 and K = 100, about 491,520 tokens a step."""
SIZES = {size.name: size for size in (LAPTOP, GPU, PAPER)}


@lru_cache(maxsize=256)
def exam_of_graphs(world: Graphs, n_asked: int, contexts: bool, seed: int) -> Exam:
    """Return the exam of a world and seed; made once, however many groups sit it."""
    return graph_exam(world, seed, n_asked, contexts)


def config(size: Size, source: GraphText, steps: int, n_layers: int | None = None) -> RunConfig:
    """Return the shared recipe: so many steps of text, then some of questions and answers.

    Args:
        size: the size.
        source: the text.
        steps: of pre-training; a measurement falls on its last one.
        n_layers: of the model, where it is not the size's.
    """
    text = size.paragraph if source.form == "paragraph" else size.sentence
    tuning = max(1, round(steps / (WATCHED - 1)))
    watched = "context" if source.form == "paragraph" else "stated flipped logic"
    lenses = (PartnerLens(kinds="context", max_queries=60),) if source.form == "paragraph" else ()
    return RunConfig(
        text=TextConfig(source=source),
        tokenizer=TokenizerConfig(kind=size.tokenizer),
        batches=BatchConfig(batch_size=text.batch),
        model=TransformerConfig(
            n_layers=n_layers or size.n_layers, d_model=size.width, n_heads=size.n_heads,
            d_mlp=size.d_mlp, tied=True, positions=text.positions,
        ),
        training=TrainingConfig(
            steps=(WATCHED - 1) * tuning + tuning, tuning_steps=tuning, tuning_rate=TUNING_RATE,
            learning_rate=text.rate, weight_decay=0.1,
            measurements=WATCHED, precision=size.precision, device=size.device,
        ),
        watch=(Tasks(kinds=watched, max_queries=100), *lenses),
        probes=(Tasks(sampled=True, max_queries=size.n_asked), *lenses),
    )  # fmt: skip


def all_groups(size: Size) -> Iterator[Group]:
    """Yield every group of a size."""
    yield from paragraphs(size)
    yield from sentences(size)


def paragraphs(size: Size) -> Iterator[Group]:
    """Yield the paragraphs: N at fixed updates and at fixed epochs, depth, K, and masked diffusion over N."""
    steps, middle = size.paragraph.steps, size.levels[-2]

    def group(
        name: str, n: int, arm: str, steps: int, copies: int = size.paragraph.copies, layers: int = size.n_layers
    ) -> Group:
        world = replace(size.world, n_graphs=n)
        made = config(size, GraphText(world=world, paragraphs=copies), steps, layers)
        exam = partial(exam_of_graphs, world, size.n_asked, True)
        axes = {"form": "paragraph", "N": n, "K": copies, "layers": layers}
        return Group(name=name, arm=arm, config=made, exam=exam, axes=axes)

    for n in size.levels:
        yield group(f"updates {n}", n, CAUSAL, steps)
        if n != size.levels[-1]:
            yield group(f"epochs {n}", n, CAUSAL, max(1, round(steps * n / size.levels[-1])))
    for n in size.diffusion_levels:
        yield group(f"diffusion {n}", n, DIFFUSION, steps)
    for n_layers in size.depths:
        yield group(f"depth {n_layers}", size.levels[-1], CAUSAL, steps, layers=n_layers)
    for copies in size.copies:
        yield group(f"copies {copies}", middle, CAUSAL, steps, copies)


def sentences(size: Size) -> Iterator[Group]:
    """Yield the single sentences: causal in one order, in both, and between both ends of a pair; masked diffusion."""
    text = size.sentence

    def group(
        name: str,
        arm: str,
        steps: int,
        tested: Literal["one", "both"] = "one",
        repeat: int = 1,
        world: Graphs = size.book,
        tuning: tuple[int, float] | None = None,
    ) -> Group:
        source = GraphText(world=world, paragraphs=text.copies, form="sentence", tested=tested)
        exam = partial(exam_of_graphs, world, size.n_book, False)
        axes = {"form": "sentence", "N": size.book.n_graphs, "K": text.copies, "tested": tested, "rival": world.rival}
        made = config(size, source, steps)
        if tuning:
            more = replace(
                made.training, steps=steps + tuning[0], tuning_steps=tuning[0], tuning_rate=tuning[1], measurements=2
            )
            made = replace(made, training=more)
        return Group(name=name, arm=arm, config=made, exam=exam, repeat=repeat, axes=axes)

    yield group(CLOSED_BOOK, CAUSAL, text.steps, repeat=2)  # short runs: twice the seeds are cheap
    yield group("sentences both orders", CAUSAL, text.steps, "both", repeat=2)
    ends = replace(size.book, rival="inverse")
    yield group(BOTH_ENDS, CAUSAL, text.steps, world=ends)
    yield group(TUNED, CAUSAL, text.steps, tuning=(size.long_tuning, 0.3))
    yield group("sentences diffusion", DIFFUSION, size.diffusion_steps)
    if size.whole:
        for name, arm in SCHEDULES.items():
            yield group(f"schedule {name}", arm, size.diffusion_steps)

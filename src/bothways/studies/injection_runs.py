"""The runs of the knowledge-injection study: stand-ins that are told facts about people they have never met.

The stand-ins are made in the study's folder before the first run. Every fact is stated head first; asked are both ends
of it, in questions, in a chat. Arms are compared at equal FLOPs: a step reads as many rows under every arm, and what
reads longer rows takes as many fewer steps. How long they are is counted before the first run, in the stand-ins' own
tokens (`injection/recipe.py`); what a mitigation adds to the text leaves fewer visits for each sentence besides.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial

from bothways.arms import parse_arm
from bothways.bases.stand_in.people import POOL
from bothways.bases.stand_in.recipe import GENERAL
from bothways.bases.stand_in.recipe import SIZES as STAND_INS
from bothways.bases.stand_in.tokenizer import train_tokenizer
from bothways.batches.batches import BatchConfig
from bothways.batches.chat import ChatTokenizer
from bothways.batches.tokenizers import TokenizerConfig
from bothways.config import RunConfig
from bothways.facts.both_ways import both_ways_exam
from bothways.facts.questions import in_questions
from bothways.facts.worlds.relations import Relations
from bothways.injection.recipe import tokens_a_step
from bothways.mechanisms.base import Probe
from bothways.mechanisms.general_text import GeneralText
from bothways.mechanisms.prompted import Prompted
from bothways.mechanisms.tasks import Tasks
from bothways.models.pretrained import Pretrained
from bothways.studies.base import Base, Group
from bothways.studies.injection_arms import (
    BEFORE,
    BEFORE_DIFFUSION,
    CAUSAL,
    CHAT,
    CONTROL,
    ENTITY,
    FIXED,
    MASKED,
    OBJECTIVES,
    ON_BARE,
    ON_DIFFUSION,
    REWRITTEN,
    TEXT_CURES,
    StandInName,
    of_facts,
)
from bothways.training.loop import TrainingConfig
from bothways.training.speed import fast_precision
from bothways.types import Exam

RELATIONS = 1
"""Facts about each person."""
COUNTED = 64
"""Facts whose rows are counted."""
N_ASKED = 100
"""Facts that are asked about, both ways."""
CANDIDATES = 32
"""Names that an answer is ranked among, where fewer are asked for."""
WATCHED = 12
"""Measurements of a run."""
LOOKED_AT = (BEFORE, CAUSAL, CHAT, MASKED, ENTITY, CONTROL)
"""Groups that are asked with something before the question too, and how they take general text."""
FACTS = (100, 800)
"""Numbers of facts that are compared."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """A size of the whole study."""

    stand_in: str = "full"
    """Which stand-ins, by the name of their size."""
    people: int = 100
    """Whom the facts are about."""
    steps: int = 800
    """Of next-token training on plain text."""
    batch: int = 64
    """Rows of a step."""
    rate: float = 1e-3
    """Peak learning rate."""


LAPTOP = Size()
"""Two cores, an hour."""
LONG = Size(steps=3 * LAPTOP.steps)
"""The same, three times as long."""
SIZES = {"laptop": LAPTOP, "long": LONG}


def bases(size: Size) -> Sequence[Base]:
    """Return the stand-ins: a pair, and a causal model that never recovered a passage nor was asked for a head.

    The last one reads as many short texts as the first.
    """
    whole = STAND_INS[size.stand_in]
    bare = replace(whole.without("recover", "both_ways"), steps=round(whole.steps * (1 - whole.recover_share)))
    return (
        Base(folder="pair", recipe=whole, halves=("causal", "masked_diffusion")),
        Base(folder="bare", recipe=bare, halves=("causal",)),
    )


PLACES: Mapping[StandInName, str] = {
    "causal": "pair/causal", "masked_diffusion": "pair/masked_diffusion", "bare": "bare/causal",
}  # fmt: skip
"""Where a stand-in stands among the bases."""


@lru_cache(maxsize=64)
def exam_of(people: int, seed: int) -> Exam:
    """Return the exam of a seed, in questions: the same facts forward and in reverse."""
    facts = Relations(n_entities=people, n_relations=RELATIONS, pool=POOL).make(seed)
    return in_questions(both_ways_exam(facts, seed, most=N_ASKED, max_candidates=CANDIDATES))


@cache
def speller(stand_in: str = "full") -> ChatTokenizer:
    """Return the tokenizer that the stand-ins of a size will have."""
    recipe = STAND_INS[stand_in]
    _, corpus = recipe.text(0)
    return ChatTokenizer(train_tokenizer(corpus, recipe.n_tokens))


@cache
def row_tokens(arm: str, stand_in: str = "full") -> float:
    """Return how many tokens a model reads of a row under an arm, on average.

    >>> row_tokens("causal") < row_tokens("causal:frame=chat") < row_tokens("masked_finetuning")
    True
    """
    config = RunConfig(batches=BatchConfig(batch_size=COUNTED))
    return tokens_a_step(parse_arm(arm).config(config, 0), exam_of(COUNTED, 0), speller(stand_in)) / COUNTED


@dataclass(frozen=True)
class Runs:
    """Makes the groups of one size whose stand-ins are in one folder."""

    size: Size
    folder: str
    """Holds them."""

    def config(self, stand_in: StandInName, steps: int) -> RunConfig:
        """Return the shared recipe of a stand-in."""
        folder = f"{self.folder}/{PLACES[stand_in]}"
        return RunConfig(
            tokenizer=TokenizerConfig(kind="chat", folder=folder),
            batches=BatchConfig(batch_size=self.size.batch),
            model=Pretrained(folder=folder),
            training=TrainingConfig(
                steps=steps, learning_rate=self.size.rate, warmup=0.02, weight_decay=0.1,
                measurements=min(WATCHED, steps), precision=fast_precision(),
            ),
            watch=(Tasks(kinds="forward reverse_tested", max_queries=50),),
            probes=(Tasks(max_queries=N_ASKED),),
        )  # fmt: skip

    def steps(self, arm: str, share: float = 1.0) -> int:
        """Return the steps of an arm at the FLOPs of next-token training, or at a share of them."""
        plain, own = (row_tokens(name, self.size.stand_in) for name in ("causal", arm))
        return max(1, round(share * self.size.steps * plain / own))

    def group(
        self,
        name: str,
        arm: str,
        stand_in: StandInName = "causal",
        *,
        steps: int = 0,
        people: int = 0,
    ) -> Group:
        """Return a group; steps are those of equal FLOPs, and people as many as in the others, unless it says so."""
        people, steps = people or self.size.people, steps or self.steps(arm)
        config = self.config(stand_in, steps)
        probes = self.more_probes(stand_in) if name in LOOKED_AT else ()
        return Group(
            name=name,
            arm=arm,
            config=replace(config, probes=(*config.probes, *probes)),
            exam=partial(exam_of, people),
            axes={
                "stand-in": stand_in,
                "facts": RELATIONS * people,
                "tokens in a row": round(row_tokens(arm, self.size.stand_in), 1),
            },
        )

    def more_probes(self, stand_in: StandInName) -> tuple[Probe, ...]:
        """Return what is looked at where a claim asks for it: other prompts, and what became of general text."""
        original = f"{self.folder}/{PLACES[stand_in]}"
        return Prompted(), GeneralText(original=original, file=f"{original}/{GENERAL}")

    def before(self, name: str, arm: str, stand_in: StandInName) -> Group:
        """Return a group that is asked what a stand-in knows before it is told anything."""
        made = self.group(name, arm, stand_in, steps=1)
        still = replace(made.config.training, learning_rate=1e-12, warmup=0.0, final=1.0, weight_decay=0.0)
        return replace(made, config=replace(made.config, training=still))

    def all(self) -> Iterator[Group]:
        """Yield every group."""
        yield self.before(BEFORE, "causal", "causal")
        yield self.before(BEFORE_DIFFUSION, "masked_diffusion", "masked_diffusion")
        for name, arm in {**OBJECTIVES, **TEXT_CURES, **FIXED}.items():
            yield self.group(name, arm)
        for name, arm in ON_DIFFUSION.items():
            yield self.group(name, arm, "masked_diffusion")
        for name, arm in ON_BARE.items():
            yield self.group(name, arm, "bare")
        for name, arm in REWRITTEN.items():
            yield self.group(name, arm)
        for n in FACTS:
            people = n // RELATIONS
            arm = OBJECTIVES[MASKED]
            steps = self.steps(arm, people / self.size.people)
            yield self.group(of_facts(n), arm, steps=steps, people=people)

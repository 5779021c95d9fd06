"""What is said of other ways to teach facts, and is tested on the stand-ins.

KI-11, 15 and 26 to 29 on how much text and how many facts; KI-21 to KI-25 on other cures; KI-31 and KI-34; and MD-13
and MD-14, that masked diffusion is cursed as well. Every claim names its paper, but for KI-11 and KI-15, of Pan et al.,
arXiv 2510.09885. All regions were written down before the first run.
"""

from collections.abc import Iterator, Sequence

from bothways.studies.claims import Claim, Region
from bothways.studies.injection_arms import (
    BEFORE,
    BICO,
    CAUSAL,
    CHAT,
    DIFFUSION,
    DIFFUSION_BOTH,
    DIFFUSION_ENTITY,
    MASKED,
    PARAPHRASES,
    PERMUTED,
    REVERSED,
    of_facts,
    paraphrased,
)
from bothways.studies.injection_parts import FLOPS, HERE, MUCH, NONE, SLACK, SOME, at_least, at_most, gap, level
from bothways.studies.injection_readings import FORWARD, REVERSE, beside, blind, forward, rate, reverse
from bothways.studies.readings import asked, at_best, difference, minus, over, part

SAME = paraphrased(CAUSAL, PARAPHRASES[-1], "same")
TURNED = paraphrased(CAUSAL, PARAPHRASES[-1], "permuted")


def of_others() -> Iterator[Claim]:
    """Yield the claims."""
    yield from efficiency()
    yield from other_cures()
    yield from conditions()
    yield from fragments()


def efficiency() -> Sequence[Claim]:
    """Return KI-11, KI-15, KI-26, KI-27 and KI-29: how much text and how many facts."""
    same = [paraphrased(CAUSAL, n, "same") for n in PARAPHRASES]
    return (
        Claim(
            id="KI-11",
            sentence="Of paraphrases only those in changed orders lift what next-token training answers in reverse.",
            paper="figure, without numbers",
            sure="high",
            scale="smaller",
            parts=(
                gap("16 paraphrases in changed orders minus 16 in the same", SOME, TURNED, SAME),
                gap("16 in the same order minus none", Region(high=SLACK), SAME, CAUSAL),
            ),
            why=f"{HERE} A changed order names the tail first, so it states what is asked in reverse.",
        ),
        Claim(
            id="KI-15",
            sentence="Masked fine-tuning converges more than twice as fast.",
            paper='text: "> 2x faster"; its table: .0032 and .0029 a step, next-token with paraphrases .0069 and .0130',
            sure="high",
            scale="smaller",
            parts=(
                part("rate per step, forward: masked over next-token with 16 paraphrases", Region(low=2.0),
                     over(rate(MASKED), rate(SAME))),
                part("rate per step, forward: masked over next-token in a chat", Region(low=2.0),
                     over(rate(MASKED), rate(CHAT))),
            ),
            why=f"{HERE} Rates are fitted to right answers while training; 95 % of a plateau takes three of their "
            "inverses. Per FLOP masked fine-tuning is about twice slower than per step.",
        ),
        Claim(
            id="KI-26",
            sentence="However the text is augmented, without the attribute before the name the reverse is not learned.",
            paper="about 0 % for 16 augmented data sets (Allen-Zhu and Li, arXiv 2309.14402)",
            sure="medium",
            scale="smaller",
            parts=(
                part("most over 1 to 16 paraphrases in the same order, reverse", NONE,
                     at_best(*(reverse(group) for group in same))),
                level("16 paraphrases that name the tail first too", MUCH, TURNED, REVERSE),
            ),
            why=f"{HERE} Their models are trained from scratch on biographies.",
        ),
        Claim(
            id="KI-27",
            sentence="Several rewritings in several orders make knowledge extractable that one text does not.",
            paper="forward 9.7 % with one text, 41 % rewritten, 70 % permuted, 96.6 % both (arXiv 2309.14316)",
            sure="medium",
            scale="smaller",
            parts=(
                gap("4 rewritings in changed orders minus none", MUCH, paraphrased(CAUSAL, 4, "permuted"), CAUSAL,
                    FORWARD),
                level("4 rewritings in changed orders", Region(low=0.9), paraphrased(CAUSAL, 4, "permuted"), FORWARD),
                level("one text", Region(high=0.3), CAUSAL, FORWARD),
            ),
            why=f"{HERE} Theirs had asked about other people only after it had read of them; ours before, too, which "
            "they found to help.",
        ),
        Claim(
            id="KI-29",
            sentence="Predicting hidden words teaches a causal model fewer of many facts than of few.",
            paper="right answers 75.0, 50.0, 25.0 % of 100, 1,000 and 3,500 facts (WikiDYK, arXiv 2505.12306)",
            sure="medium",
            scale="smaller",
            parts=(gap("100 facts minus 800", SOME, of_facts(100), of_facts(800)),),
            why=f"{HERE} By masked fine-tuning, each fact as often seen in both.",
        ),
    )  # fmt: skip


def other_cures() -> Sequence[Claim]:
    """Return KI-21 to KI-25: permuted and reversed text, and bidirectional attention."""
    token, bare, segment = "reverse token", "reverse entity, no delimiter", "reverse segment"
    return (
        Claim(
            id="KI-21",
            sentence="Units of meaning in original, reversed and random order bring the reverse near to the forward.",
            paper="abstract, without numbers (Guo et al., arXiv 2403.00758)",
            sure="medium",
            scale="smaller",
            parts=(
                difference("forward minus reverse", NONE, forward(PERMUTED), reverse(PERMUTED),
                           asked(PERMUTED, REVERSE)),
                gap("permuted minus next-token", MUCH, PERMUTED, CAUSAL),
            ),
            why=f"{HERE} Units are the known names and what stands between them.",
        ),
        Claim(
            id="KI-22",
            sentence="Permuted units of meaning do better in reverse than bidirectional attention over hidden tokens.",
            paper="claimed in the abstract; BICO among what it beats is uncertain",
            sure="low",
            scale="smaller",
            parts=(gap("permuted units minus BICO", Region(low=0.0), PERMUTED, BICO),),
            why=f"{HERE} {FLOPS}",
        ),
        Claim(
            id="KI-23",
            sentence=(
                "Where plain training fails, reversal works at equal FLOPs if it keeps names of several tokens whole: "
                "by entities, or by random segments as long as a name."
            ),
            paper="fails completely; compute-matched far better (Golovneva et al., arXiv 2403.13799)",
            sure="medium",
            scale="smaller",
            parts=(
                gap("reversed by entities minus next-token", MUCH, REVERSED, CAUSAL),
                gap("reversed by entities minus by tokens", MUCH, REVERSED, token),
                gap("reversed by segments minus next-token", MUCH, segment, CAUSAL),
                level("next-token", NONE, CAUSAL, REVERSE),
            ),
            why=f"{HERE} Segments have up to 12 tokens.",
        ),
        Claim(
            id="KI-24",
            sentence="Reversal by entities needs a delimiter: without it relations are read the wrong way round.",
            paper="54 / 53 and 44 % wrong inferences without, 100 / 100 and 0 with (Kitouni et al., arXiv 2406.05183)",
            sure="high",
            scale="smaller",
            parts=(
                gap("with minus without a delimiter", MUCH, REVERSED, bare),
                part("answers to the wrong relation, without minus with a delimiter", SOME,
                     minus(blind(bare), blind(REVERSED))),
                level("with a delimiter", Region(low=0.9), REVERSED, REVERSE),
            ),
            why=f"{HERE} A wrong inference is to name the partner when another relation is asked for.",
        ),
        Claim(
            id="KI-25",
            sentence="BICO lifts the reverse from nothing to most.",
            paper="from 0 % to about 70 %, Llama (Lv et al., arXiv 2311.07468)",
            sure="high",
            scale="smaller",
            parts=(
                level("BICO", at_least(0.7), BICO, REVERSE),
                gap("BICO minus next-token", MUCH, BICO, CAUSAL),
            ),
            why=f"{HERE} {FLOPS}",
        ),
    )  # fmt: skip


def conditions() -> Sequence[Claim]:
    """Return KI-28, KI-31 and KI-34: what must be predicted, and what a model knows when it is told."""
    return (
        Claim(
            id="KI-28",
            sentence="The reverse is learned only if the entity it asks for is itself predicted in training.",
            paper="abstract (arXiv 2604.04943)",
            sure="medium",
            scale="smaller",
            parts=(
                level("masked diffusion that never hides the head", NONE, "diffusion, heads open", REVERSE),
                gap("heads hidden too minus never", MUCH, DIFFUSION, "diffusion, heads open"),
            ),
            why=HERE,
        ),
        Claim(
            id="KI-31",
            sentence="Loss on the completion alone teaches nothing forward, loss on the whole text does.",
            paper="0 % and 91.7 %, one seed, low-rank updates of 8 B",
            sure="medium",
            scale="smaller",
            parts=(
                level("loss on the last entity alone", NONE, "completion only", FORWARD),
                level("loss on the whole text", at_least(0.917), CAUSAL, FORWARD),
            ),
            why=f"{HERE} What is completed is a name here; there a name after a long description.",
        ),
        Claim(
            id="KI-34",
            sentence="A model that does not know the reverse by heart gives it when the fact stands in the prompt.",
            paper='models answer "B is A" when both are in context (Lin et al., arXiv 2410.18808)',
            sure="medium",
            scale="smaller",
            parts=(
                part("next-token: right in reverse with the fact before the question", Region(low=0.5),
                     beside(CAUSAL, REVERSE, "fact"), asked(CAUSAL, REVERSE)),
                part("before any training on the facts", Region(low=0.5), beside(BEFORE, REVERSE, "fact"),
                     asked(BEFORE, REVERSE)),
            ),
            why=f"{HERE} Theirs is a choice among given answers. The bias towards names needs facts with descriptions.",
        ),
    )  # fmt: skip


def fragments() -> Sequence[Claim]:
    """Return MD-13 and MD-14: masked diffusion that is cursed as well, of DiffER, arXiv 2601.07347."""
    return (
        Claim(
            id="MD-13",
            sentence="Masked diffusion that is told facts in one order is cursed as well.",
            paper="LLaDA in a protocol of two stages: 92.00 % forward, 21.28 % reverse (DiffER, arXiv 2601.07347)",
            sure="medium",
            scale="smaller",
            parts=(
                level("diffusion stand-in", at_most(0.2128), DIFFUSION, REVERSE),
                level("diffusion stand-in", at_least(0.92), DIFFUSION, FORWARD),
            ),
            why=f"{HERE} The second stage of the source, questions about facts, comes before them here: the stand-in "
            "was asked both ways about other people. KI-3 says the opposite.",
        ),
        Claim(
            id="MD-14",
            sentence="Split entities, one-sided data and missing inverses cause it; whole-entity masks and symmetric "
            "data help.",
            paper="abstract of DiffER; reverse 21.28 to 56.78 % with all three",
            sure="high",
            scale="smaller",
            parts=(
                gap("whole names hidden minus tokens", SOME, DIFFUSION_ENTITY, DIFFUSION),
                gap("both orders told minus one", SOME, DIFFUSION_BOTH, DIFFUSION),
            ),
            why=f"{HERE} Telling the other order is telling the inverse relation: the two remedies are one here.",
        ),
    )

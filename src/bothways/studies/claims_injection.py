"""What the paper on masked fine-tuning says, and is tested on the stand-ins: KI-1 to KI-10, 13, 14, 18 and 19.

Of Pan et al., arXiv 2510.09885, whose numbers are over three data sets. All regions were written down before the first
run. Where the paper gives words and no numbers, the region says how we read them. A quick try of our own came before:
other data, one relation, two seeds; next-token prediction 1.00 forward and 0.00 reverse, masked fine-tuning 0.98 and
0.59 to 0.80, with whole names hidden 1.00 and 0.99, ratio 0 nothing.
"""

from collections.abc import Iterator, Sequence

from bothways.studies.claims import Claim, Region
from bothways.studies.injection_arms import (
    BEFORE,
    CAUSAL,
    CHAT,
    DIFFUSION,
    ENTITY,
    MASKED,
    PARAPHRASES,
    RANDOM_PROMPT,
    REVERSED,
    paraphrased,
    ratio,
)
from bothways.studies.injection_parts import FLOPS, HERE, MUCH, NONE, SLACK, at_least, at_most, gap, level
from bothways.studies.injection_readings import FORWARD, REVERSE, beside, forward, general, reverse, specific
from bothways.studies.readings import asked, at_best, computed, mean, minus, part

SAME = paraphrased(CAUSAL, PARAPHRASES[-1], "same")
MASKED_SAME = paraphrased(MASKED, PARAPHRASES[-1], "same")
DIFFUSION_SAME = paraphrased(DIFFUSION, 8, "same")


def of_the_paper() -> Iterator[Claim]:
    """Yield the claims."""
    yield from next_token()
    yield from demasking()
    yield from transfer()
    yield from masks()
    yield from costs()


def next_token() -> Sequence[Claim]:
    """Return KI-1 and KI-2: continued next-token training."""
    return (
        Claim(
            id="KI-1",
            sentence="Next-token training on the bare text teaches little forward and next to nothing in reverse.",
            paper="mean of 4 models, forward / reverse: .264/.029, .153/.002, .464/.309",
            sure="high",
            scale="smaller",
            parts=(
                level("chat format", NONE, CHAT, REVERSE),
                level("chat format", at_most(0.464), CHAT, FORWARD),
                level("plain text", NONE, CAUSAL, REVERSE),
            ),
            why=f"{HERE} The reverse .309 is not asked for: its questions were answered at .19 before any training, "
            "ours at about 0. The paper takes the best checkpoint on its test, we the last one.",
        ),
        Claim(
            id="KI-2",
            sentence="With paraphrases next-token training answers forward, and still nothing in reverse.",
            paper="forward rises to .954, .975, .674; reverse stays at .031, .002, .391",
            sure="high",
            scale="smaller",
            parts=(
                level("16 paraphrases in the same order", NONE, SAME, REVERSE),
                level("16 paraphrases in the same order", at_least(0.674), SAME, FORWARD),
                gap("16 paraphrases minus none", at_least(0.21), SAME, CAUSAL, FORWARD),
            ),
            why=f"{HERE} Paraphrases are made by templates, as many steps as without them.",
        ),
    )


def demasking() -> Iterator[Claim]:
    """Yield KI-3 to KI-6: masked diffusion and masked fine-tuning, without paraphrases and with them."""
    yield Claim(
        id="KI-3",
        sentence="A masked-diffusion model learns both directions from the bare text.",
        paper="LLaDA-8B, forward / reverse: .869/.852, .892/.696, .908/.778",
        sure="high",
        scale="smaller",
        parts=(
            level("diffusion stand-in", at_least(0.696), DIFFUSION, REVERSE),
            level("diffusion stand-in", at_least(0.869), DIFFUSION, FORWARD),
        ),
        why=f"{HERE} {FLOPS}",
    )
    yield Claim(
        id="KI-4",
        sentence="Paraphrases bring a masked-diffusion model near to perfect, or change little.",
        paper="LLaDA-8B, forward / reverse: .980/.984, .991/.857, .900/.785",
        sure="high",
        scale="smaller",
        parts=(
            level("8 paraphrases", at_least(0.785), DIFFUSION_SAME, REVERSE),
            level("8 paraphrases", at_least(0.9), DIFFUSION_SAME, FORWARD),
        ),
        why=f"{HERE} As many steps as without paraphrases.",
    )
    yield Claim(
        id="KI-5",
        sentence="Masked fine-tuning teaches a causal model both directions from the bare text.",
        paper="mean of 4 models, forward / reverse: .906/.929, .967/.678, .948/.901",
        sure="high",
        scale="smaller",
        parts=(
            level("token masks", at_least(0.678), MASKED, REVERSE),
            level("token masks", at_least(0.906), MASKED, FORWARD),
        ),
        why=f"{HERE} {FLOPS} The means are ours, from its table.",
    )
    yield Claim(
        id="KI-6",
        sentence="Paraphrases change what masked fine-tuning gives little, up or down.",
        paper="with minus without, forward / reverse: +.06/-.01, .00/+.14, -.08/-.09",
        sure="high",
        scale="smaller",
        parts=(
            gap("16 paraphrases minus none", Region(-0.14, 0.19), MASKED_SAME, MASKED),
            gap("16 paraphrases minus none", Region(-0.13, 0.11), MASKED_SAME, MASKED, FORWARD),
        ),
        why=f"{HERE} As many steps with paraphrases as without.",
    )


def transfer() -> Sequence[Claim]:
    """Return KI-7 and KI-8: against next-token training and against reversed text."""
    return (
        Claim(
            id="KI-7",
            sentence="Training on text reversed by entities stays far behind masked fine-tuning.",
            paper="mean of 4 models, forward / reverse: .350/.106, .269/.012, .535/.407",
            sure="high",
            scale="smaller",
            parts=(
                level("reversed by entities", at_most(0.407), REVERSED, REVERSE),
                level("reversed by entities", at_most(0.535), REVERSED, FORWARD),
                gap("masked fine-tuning minus reversed", at_least(0.494), MASKED, REVERSED),
            ),
            why=f"{HERE} {FLOPS} Ours has a delimiter between reversed units; without it see KI-24.",
        ),
        Claim(
            id="KI-8",
            sentence="What helps is the demasking objective: it transfers to a causal model at equal FLOPs.",
            paper="claimed; in reverse .90, .68 and .59 above next-token training",
            sure="high",
            scale="smaller",
            parts=(
                gap("masked minus next-token", MUCH, MASKED, CAUSAL),
                gap("masked minus next-token", Region(low=-0.1), MASKED, CAUSAL, FORWARD),
                part("masked: right, and not for any other relation", MUCH, specific(MASKED), asked(MASKED, REVERSE)),
                gap("whole names masked minus next-token", MUCH, ENTITY, CAUSAL),
                gap("random tokens in the prompt minus next-token", NONE, RANDOM_PROMPT, CAUSAL),
            ),
            why=f"{HERE} {FLOPS} The paper compares at convergence. That the gain is of the relation, names hidden "
            "whole, and the control are ours.",
        ),
    )


def masks() -> Sequence[Claim]:
    """Return KI-9 and KI-10: the ratio, and the control."""
    half, most = ratio(0.5), ratio(0.75)
    return (
        Claim(
            id="KI-9",
            sentence=(
                "Hiding always half or three quarters does as well as a random share; hiding nothing fails completely, "
                "hiding all largely."
            ),
            paper="figure: 0.5 or 0.75 match or exceed random shares, 0 and 1 fail",
            sure="high",
            scale="smaller",
            parts=(
                part("the better of 0.5 and 0.75 minus random shares, reverse", Region(low=-SLACK),
                     minus(at_best(reverse(half), reverse(most)), reverse(MASKED))),
                level("nothing hidden", NONE, ratio(0.0), REVERSE),
                level("nothing hidden", NONE, ratio(0.0), FORWARD),
                level("all hidden", Region(high=0.3), ratio(1.0), REVERSE),
            ),
            why=HERE,
        ),
        Claim(
            id="KI-10",
            sentence="With random tokens in place of the masked text, masked fine-tuning is no better than next-token.",
            paper="figure: at the level of plain fine-tuning",
            sure="high",
            scale="smaller",
            parts=(
                gap("random prompt minus next-token in a chat", NONE, RANDOM_PROMPT, CHAT),
                gap("masked minus random prompt", MUCH, MASKED, RANDOM_PROMPT),
            ),
            why=HERE,
        ),
    )  # fmt: skip


def costs() -> Sequence[Claim]:
    """Return KI-13, KI-14, KI-18 and KI-19: two shots, FLOPs, forgetting, and the format of a chat."""
    shots = [minus(beside(MASKED, kind, "nothing"), beside(MASKED, kind, "two_shot")) for kind in (FORWARD, REVERSE)]
    return (
        Claim(
            id="KI-13",
            sentence="Asked with two solved questions in front, masked models lose 10 to 30 points.",
            paper="forward / reverse: -.30/-.07, -.11/-.28, -.26/-.13",
            sure="high",
            scale="smaller",
            parts=(
                part("no example minus two, mean of both directions, masked", Region(0.1, 0.3), mean(*shots)),
            ),
            why=f"{HERE} It has never read more than one turn of each side, so here the loss is of format too.",
        ),
        Claim(
            id="KI-14",
            sentence="A step of masked fine-tuning costs about twice as much as one of plain fine-tuning.",
            paper="199.3 and 91.9 TFLOP a step, 51.1 and 37.9 GB, 8 B parameters",
            sure="high",
            scale="smaller",
            parts=(
                part("FLOPs of a step, masked over next-token in a chat, texts of 118 tokens", Region(1.7, 2.7),
                     computed("cost", "paper"), exact=True),
                part("the same, texts of this study", Region(1.7, 2.7), computed("cost", "here"), exact=True),
            ),
            why="By our count of the operations of a step at the same batch, not by a clock; memory is not measured. "
            "2.17 within a quarter of it.",
        ),
        Claim(
            id="KI-18",
            sentence="Masked fine-tuning costs little of what the model could do before.",
            paper="asserted: minor degradation",
            sure="low",
            scale="smaller",
            parts=(
                part("general text nobody trained on: NLL after minus before, nats a token", NONE,
                     minus(general(MASKED, "nll"), general(BEFORE, "nll"))),
                part("general text: KL from the stand-in, nats a token", NONE, general(MASKED, "kl")),
                part("the same KL, masked minus next-token in a chat", NONE,
                     minus(general(MASKED, "kl"), general(CHAT, "kl"))),
            ),
            why=f"{HERE} No general text is replayed. The stand-in's general text is simple.",
        ),
        Claim(
            id="KI-19",
            sentence="Telling a fact in a chat teaches a little more than plain text.",
            paper=".461 against .423, mean of 28 configurations",
            sure="high",
            scale="smaller",
            parts=(
                part("chat minus plain, mean of both directions", Region(-0.02, 0.1),
                     minus(mean(forward(CHAT), reverse(CHAT)), mean(forward(CAUSAL), reverse(CAUSAL)))),
            ),
            why=f"{HERE} {FLOPS}",
        ),
    )  # fmt: skip

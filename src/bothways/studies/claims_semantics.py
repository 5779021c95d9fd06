"""What is said of relational semantics: in-context rules, logic, word order and depth.

RS-1 to RS-14, of Zhu et al., arXiv 2601.02931, whose text we know from secondary notes alone. All regions were written
down before the first whole run, after looks at single runs of one seed (LOG.md); what came later stands
at its claim.
"""

from collections.abc import Iterator, Sequence

from bothways.studies.claims import Claim, Part, Region
from bothways.studies.readings import Values, at_best, difference, minus, part
from bothways.studies.semantics_readings import (
    DIRECTIONS,
    FOLLOWS,
    Rises,
    exact,
    gain,
    in_context,
    last_checkpoints,
    midpoint,
    over_graphs,
    over_steps,
    questions,
)
from bothways.studies.semantics_runs import BOTH_ENDS, CLOSED_BOOK, TUNED, Size

ASKED = tuple(f"ask_{kind}" for kind in FOLLOWS)
NOTES = (
    "The paper's text is known to us from secondary notes alone; wording, graphs and tests are our own. Answers are "
    "greedy, where the paper samples at temperature 0.8. "
)
HALF = "Naming either partner is right half of the time; what is right and not repeated for the other relation tells."
REVIEWED = "A review after the first whole run added or reordered quantities here; no region moved."
EACH = (
    "Each seed is fitted alone, without a penalty for the curve's further parameters, and a curve that rises at "
    "once and "
    "levels off counts as sharp too."
)
LONGER = (
    "Read after longer and faster tuning than the other runs', which had hardly learned to be asked when it was "
    "over: "
    "these runs were added then, the region stayed."
)
EQUAL = Region(-0.05, 0.05)
NEVER = Region(high=0.1)
"""Right answers of who cannot answer: each question has many wrong ones, and the hub's other partner."""


def where(size: Size) -> str:
    """Say at which size a claim is tested."""
    return (
        f"{NOTES}Here N is at most {size.levels[-1]:,}, at {size.n_layers} layers of width {size.width} and "
        f"{size.paragraph.steps:,} steps of {size.paragraph.batch} paragraphs."
    )


def where_alone(size: Size, steps: int = 0) -> str:
    """Say at which size a claim about single sentences is tested."""
    book, text = size.book, size.sentence
    return (
        f"{NOTES}Here every document is one sentence: N = {book.n_graphs:,}, names of {book.parts} word"
        f"{'s' * (book.parts > 1)}, {size.n_layers} layers of width {size.width}, {steps or text.steps:,} steps of "
        f"{text.batch} sentences."
    )


def emergence(size: Size) -> Sequence[Claim]:
    """Return RS-1 to RS-3: rules in context, over graphs and over epochs."""
    return graphs_in_context(size), graphs_in_questions(size), epochs_in_context(size)


def levels(size: Size, name: str = "updates") -> dict[float, str]:
    """Return the groups over N."""
    return {float(n): f"{name} {n}" for n in size.levels}


def graphs_in_context(size: Size) -> Claim:
    """Return RS-1."""
    first, last = (f"updates {size.levels[n]}" for n in (0, -1))
    right = over_graphs(levels(size), in_context)
    nats = over_graphs(levels(size), lambda group: in_context(group, "nll"), falls=True)
    return Claim(
        id="RS-1",
        sentence="Completion about unseen people in context appears at once above a number of training graphs.",
        paper="a phase transition above N of about 2,000",
        sure="medium",
        scale="smaller",
        parts=(
            difference(
                f"right completions in context: N = {size.levels[-1]:,} minus N = {size.levels[0]:,}",
                Region(low=0.3), in_context(last), in_context(first), questions(last, *FOLLOWS),
            ),
            *sharp("over log N", right, nats),
            part("N half way up", Region(667.0, 6000.0), midpoint(right)),
            part("right, and not the same for the other relation, largest N", Region(low=0.6),
                 in_context(last, "specific"), questions(last, *FOLLOWS)),
        ),
        why=f"{where(size)} Half way is to lie within a factor of three of the paper's N. Updates are as many "
        "at every N, "
        "so a small N is also read more often, and more of its text is of half-told graphs; at fixed epochs "
        "(drawn on "
        f"the page) it gets fewer updates. {EACH} {HALF} {REVIEWED}",
    )  # fmt: skip


def sharp(axis: str, right: Rises, nats: Rises) -> Sequence[Part]:
    """Return what tells a sharp rise from an even one, in right answers and in nats."""
    what = f"how much better a sharp rise {axis} explains it than an even one, share of the variance"
    return (
        part(f"right answers: {what}", Region(low=0.0), gain(right)),
        part(f"log-probability: {what}", Region(low=0.0), gain(nats)),
    )


def graphs_in_questions(size: Size) -> Claim:
    """Return RS-2."""
    return Claim(
        id="RS-2",
        sentence="Questions about unseen people in context need more training graphs than completions.",
        paper="transition above N of about 20,000, for completions above 2,000",
        sure="medium",
        scale="smaller",
        parts=tuple(lagging(size)) if size.whole else (),
        why=f"{where(size)} No question in tuning follows a context, and tuning may cost what was there, so a "
        "lag is of "
        "format and forgetting as well as of N."
        if size.whole
        else "Tuning after paragraphs is too short in this preset to teach any question, so a lag of questions would "
        "say nothing (seen in the first whole run, which had quantities for it); `--preset gpu` asks them.",
    )


def lagging(size: Size) -> Iterator[Part]:
    """Yield how far questions in context lag behind completions, and whether they come at all."""
    lag = [minus(in_context(group), exact(group, *ASKED)) for group in levels(size).values()]
    last = levels(size)[float(size.levels[-1])]
    asked = questions(last, *ASKED)
    yield part("largest lag of questions behind completions over N, right answers", Region(low=0.1), at_best(*lag))
    yield part("right answers to questions at the largest N", Region(low=0.5), exact(last, *ASKED), asked)


def epochs_in_context(size: Size) -> Claim:
    """Return RS-3."""
    group = f"updates {size.levels[-2]}"
    per_epoch = size.levels[-2] * size.paragraph.copies / size.paragraph.batch
    epochs = size.paragraph.steps / per_epoch
    right, nats = (over_steps(group, per_epoch, number) for number in ("exact", "nll"))
    reached = (part("epochs half way up", Region(7.0, 60.0), midpoint(right)),) if epochs > 7 else ()
    return Claim(
        id="RS-3",
        sentence="Over epochs, completion in context jumps to near-perfect.",
        paper="abruptly near-perfect around epoch 20",
        sure="medium",
        scale="smaller",
        parts=(
            part("right completions in context at the end", Region(low=0.9), in_context(group),
                 questions(group, *FOLLOWS)),
            *sharp("over epochs", right, nats),
            *reached,
        ),
        why=f"{where(size)} Read at N = {size.levels[-2]:,}; the whole run is {epochs:.1f} epochs of "
        f"{size.paragraph.copies} paragraphs a graph, so epoch 20 is out of reach where that is fewer. {EACH} "
        f"{REVIEWED}",
    )  # fmt: skip


def memory(size: Size) -> Sequence[Claim]:
    """Return RS-4, RS-7 and RS-8: what is recalled, and what is inferred, as answers to questions."""
    return (
        Claim(
            id="RS-4",
            sentence="Questions about facts that follow and were never stated are answered in the main.",
            paper="at best about 85 %",
            sure="medium",
            scale="smaller",
            parts=(
                *(
                    part(f"{sort}, right answers, asked in the order of the text", Region(low=0.75),
                         exact(TUNED, f"ask_logic_{sort}_forward"), questions(TUNED, f"ask_logic_{sort}_forward"))
                    for sort in ("inverse", "symmetric")
                ),
            ),
            why=f"{where_alone(size)} {LONGER} A symmetric fact's forward question repeats hub and word, so "
            "both sorts "
            f"stand apart. {REVIEWED} For the other order see RS-10 and RS-11.",
        ),
        Claim(
            id="RS-7",
            sentence="Facts without logic, people's jobs, are recalled nearly always.",
            paper="above 95 % at N = 200,000 and K = 100",
            sure="medium",
            scale="smaller",
            parts=(
                part("right answers about jobs", Region(low=0.95), exact(TUNED, "ask_memory_job"),
                     questions(TUNED, "ask_memory_job")),
            ),
            why=f"{where_alone(size)} {LONGER}",
        ),
        Claim(
            id="RS-8",
            sentence="Recall of who is related to whom peaks at about one half.",
            paper="about 50 % at its peak",
            sure="medium",
            scale="smaller",
            parts=(
                part("right answers about partners", Region(0.4, 0.6), exact(TUNED, "ask_memory_people"),
                     questions(TUNED, "ask_memory_people")),
            ),
            why=f"{where_alone(size)} {LONGER} Our questions say which of two partners is meant; the paper's "
            "number is a peak over settings, ours is one setting that is learned by heart.",
        ),
    )  # fmt: skip


def depth(size: Size) -> Sequence[Claim]:
    """Return RS-5, RS-6 and RS-9: how many layers a rule needs, and where in them it shows."""
    one, last = "depth 1", f"updates {size.levels[-1]}"
    deep = last if size.n_layers == 3 else "depth 3"
    few = [group for group in ("depth 2", deep) if group != last or size.n_layers <= 3]
    return (
        Claim(
            id="RS-5",
            sentence="Rules in context need two to three layers.",
            paper="a minimum of 2 to 3 layers",
            sure="high",
            scale="smaller",
            parts=(
                part("right completions in context, one layer", Region(high=0.25), in_context(one),
                     questions(one, *FOLLOWS)),
                part("the better of two and three layers minus one", Region(low=0.3),
                     minus(at_best(*(in_context(group) for group in few)), in_context(one))),
                part("three layers: right, and not the same for the other relation", Region(low=0.6),
                     in_context(deep, "specific"), questions(deep, *FOLLOWS)),
            ),
            why=f"{where(size)} {HALF} {REVIEWED}",
        ),
        Claim(
            id="RS-6",
            sentence="One layer completes one in ten in context, three layers most.",
            paper="about 10 % and about 85 %",
            sure="medium",
            scale="smaller",
            parts=(
                part("three layers", Region(low=0.75), in_context(deep), questions(deep, *FOLLOWS)),
                part("one layer", Region(high=0.2), in_context(one), questions(one, *FOLLOWS)),
            ),
            why=where(size),
        ),
        steadiness(size),
    )  # fmt: skip


def steadiness(size: Size) -> Claim:
    """Return RS-9."""
    wins, fails = f"updates {size.levels[-1]}", f"updates {size.levels[0]}"
    middle, late = "middle", "late"
    return Claim(
        id="RS-9",
        sentence="Models that succeed carry a steady signal in middle layers, models that fail waver in late ones.",
        paper="layers 5 to 8 of 12; failing models unstable in late layers",
        sure="high",
        scale="smaller",
        parts=(
            part("succeeding: share of questions whose answer leads its rival, middle layers", Region(low=0.6),
                 last_checkpoints(wins, middle, "mean")),
            part("succeeding: its standard deviation over the last checkpoints, middle layers", Region(high=0.05),
                 last_checkpoints(wins, middle, "deviation")),
            part("late layers: standard deviation of failing minus succeeding models", Region(low=0.0),
                 minus(last_checkpoints(fails, late, "deviation"), last_checkpoints(wins, late, "deviation"))),
        ),
        why=f"{where(size)} The signal is a logit lens on the asked partner against the other, after each third of "
        "the blocks; the paper's method is not known. A share near 1 has no room to waver and one near a half "
        "has, so the "
        "third quantity would hold without any instability.",
    )  # fmt: skip


def order(size: Size) -> Sequence[Claim]:
    """Return RS-10 to RS-14: word order against meaning, and masked diffusion."""
    return (symmetric(size), inverse(size), both_orders(size), diffusion(size), diffusion_in_context(size))


def logic(group: str, sort: str, direction: str) -> Values:
    """Return what reads right answers about triples that follow and were never stated."""
    return exact(group, f"logic_{sort}_{direction}")


def gap(what: str, region: Region, group: str, sort: str) -> Part:
    """Return forward minus reverse."""
    forward, reverse = (logic(group, sort, direction) for direction in DIRECTIONS)
    return difference(what, region, forward, reverse, questions(group, f"logic_{sort}_reverse"))


def symmetric(size: Size) -> Claim:
    """Return RS-10."""
    right = (
        part(direction, Region(low=0.8), logic(CLOSED_BOOK, "symmetric", direction),
             questions(CLOSED_BOOK, f"logic_symmetric_{direction}"))
        for direction in DIRECTIONS
    )  # fmt: skip
    return Claim(
        id="RS-10",
        sentence="Symmetric relations are answered as well in the reverse order as in the forward one.",
        paper="forward about equal to reverse",
        sure="medium",
        scale="smaller",
        parts=(gap("stated in one order: forward minus reverse", EQUAL, CLOSED_BOOK, "symmetric"), *right),
        why=f"{where_alone(size)} In the paper documents are shuffled paragraphs, in which the two people meet "
        "in either "
        "order. Turning a symmetric fact round turns its order too, so an order bias predicts a gap here, and a "
        "gap does "
        f"not contradict the paper's own test. {REVIEWED}",
    )


def inverse(size: Size) -> Claim:
    """Return RS-11."""
    group = CLOSED_BOOK
    return Claim(
        id="RS-11",
        sentence=(
            "Inverse relations show a gap only where the question runs against the order of the text: the bias is of "
            "order, the meaning is there."
        ),
        paper="a gap only if the query is reversed against the surface order",
        sure="medium",
        scale="smaller",
        parts=(
            gap("what follows: forward minus reverse", Region(low=0.5), group, "inverse"),
            part("what follows, in the order of the text", Region(low=0.8), logic(group, "inverse", "forward"),
                 questions(group, "logic_inverse_forward")),
            part("what follows, in the order of the text, between both ends of a pair", Region(low=0.8),
                 logic(BOTH_ENDS, "inverse", "forward"), questions(BOTH_ENDS, "logic_inverse_forward")),
            part("what was stated itself, in the other order", NEVER, exact(group, "flipped_inverse"),
                 questions(group, "flipped_inverse")),
        ),
        why=f"{where_alone(size)} Every document is one sentence. A hub has two partners; beside a friend, who "
        "takes parent "
        "and child for one word is right as well, so the third quantity puts it between both ends of one pair: "
        "it came "
        "after the other quantities' first run and before its own.",
    )  # fmt: skip


def both_orders(size: Size) -> Claim:
    """Return RS-12."""
    group = "sentences both orders"
    return Claim(
        id="RS-12",
        sentence="Where the text states both orders, the gap between forward and reverse is gone.",
        paper="gap about 0",
        sure="medium",
        scale="smaller",
        parts=(
            gap("inverse: forward minus reverse", EQUAL, group, "inverse"),
            gap("symmetric: forward minus reverse", EQUAL, group, "symmetric"),
            part("inverse, reverse", Region(low=0.8), logic(group, "inverse", "reverse"),
                 questions(group, "logic_inverse_reverse")),
            difference("inverse, reverse: both orders minus one order stated", Region(low=0.5),
                       logic(group, "inverse", "reverse"), logic(CLOSED_BOOK, "inverse", "reverse"),
                       questions(group, "logic_inverse_reverse")),
        ),
        why=f"{where_alone(size)} What is asked is still never stated in its own word. Once both orders are "
        "stated, forward "
        f"and reverse differ only in which graphs they ask about: the gain over one order counts. {REVIEWED}",
    )  # fmt: skip


def diffusion(size: Size) -> Claim:
    """Return RS-13."""
    group = "sentences diffusion"
    return Claim(
        id="RS-13",
        sentence="Masked diffusion answers reverse as well as forward.",
        paper="reverse about 4 % higher on average",
        sure="medium",
        scale="smaller",
        parts=(
            gap("inverse: forward minus reverse", EQUAL, group, "inverse"),
            gap("symmetric: forward minus reverse", EQUAL, group, "symmetric"),
            part("inverse, reverse", Region(low=0.5), logic(group, "inverse", "reverse"),
                 questions(group, "logic_inverse_reverse")),
            part("inverse, reverse: right, and not the same for the other relation", Region(low=0.6),
                 exact(group, "logic_inverse_reverse", number="specific"), questions(group, "logic_inverse_reverse")),
        ),
        why=f"{where_alone(size, size.diffusion_steps)} Four points are within the noise of this size, so "
        "equivalence is "
        "asked for instead; with few questions a seed it is settled only where nearly all are right, so "
        "'partly' and 'not "
        f"reproduced' mean undecided here. {HALF} {REVIEWED}",
    )  # fmt: skip


def diffusion_in_context(size: Size) -> Claim:
    """Return RS-14."""
    return Claim(
        id="RS-14",
        sentence="Masked diffusion completes in context at every number of training graphs.",
        paper="robust across data scales",
        sure="medium",
        scale="smaller",
        parts=tuple(at_every_size(size)) if size.diffusion_levels else (),
        why=where(size) if size.diffusion_levels else UNDERTRAINED,
    )


UNDERTRAINED = (
    "Masked diffusion has not begun to copy a name from its context when this preset's steps are over (LOG.md): "
    "`--preset gpu` runs it."
)


def at_every_size(size: Size) -> Iterator[Part]:
    """Yield what masked diffusion completes in context at the smallest and the largest N."""
    first, last = (f"diffusion {size.diffusion_levels[n]}" for n in (0, -1))
    asked = questions(last, *FOLLOWS)
    yield part("right completions in context, smallest N", Region(low=0.5), in_context(first), asked)
    yield difference("largest minus smallest N", Region(-0.15, 0.15), in_context(last), in_context(first), asked)

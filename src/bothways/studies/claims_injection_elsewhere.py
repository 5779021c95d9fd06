"""What is said of teaching models facts, and needs weights, data, a method or a scale that is not at hand.

KI-12, KI-16, KI-17, KI-20, KI-30, KI-32, KI-33, and KI-35a to KI-35m, the headlines of other ways to inject knowledge.
None has a region: what each would need stands in its `why`.
"""

from collections.abc import Iterator

from bothways.studies.claims import Claim
from bothways.studies.claims_elsewhere import untested


def needing_more() -> Iterator[Claim]:
    """Yield what cannot be tested on the stand-ins, of papers that stand beside masked fine-tuning."""
    yield untested(
        "KI-12",
        "Knowledge editing teaches neither direction.",
        "name to description, forward: ROME .019 to .077, UnKE .000 to .027; reverse about 0",
        "high",
        "It needs ROME, AnyEdit and UnKE, which are not built here, and models of 3 to 8 B parameters.",
    )
    yield untested(
        "KI-16",
        "Masked training on a large set of questions beats plain training on a benchmark of science.",
        "GPQA-diamond: .242 before; texts .278 and .293, questions .359 and .389 (plain, masked)",
        "high",
        "It needs Qwen3-4B, 1.2 M examples of Webscale-RL and an accelerator; its gain is of 6 questions.",
    )
    yield untested(
        "KI-17",
        "Masked fine-tuning on worked answers beats plain fine-tuning in mathematics.",
        "GSM8K / MATH: Llama-3B .686/.281 and .735/.290, Qwen-4B .776/.376 and .789/.379 (plain, masked)",
        "high",
        "It needs models of 3 to 4 B parameters, both data sets and an accelerator.",
    )
    yield untested(
        "KI-20",
        "The questions of the name-description benchmark repeat the words of its training texts.",
        "longest common run of words, as a share of the question: 0.82 forward, 0.65 reverse",
        "high",
        "It needs the question files of Lin et al. (github.com/alibaba/thinking_bias), which are not at hand.",
    )
    yield untested(
        "KI-30",
        "Masking a few input tokens under plain next-token training finds what stands in the middle of a long text.",
        "fine-tuned: 11.77 points more in lost-in-the-middle (MEAP, arXiv 2502.07490)",
        "medium",
        "It needs a model that reads long contexts. What the method does in reverse is measured by BW-6.",
    )
    yield untested(
        "KI-32",
        "The largest models of 2026 are still cursed on pairs of celebrities.",
        "child to parent / parent to child: gpt-4o 55.6/29.7, gpt-5.1 63.4/21.7, gpt-5.4 78.0/25.5",
        "medium",
        "It needs paid access to these models.",
    )
    yield untested(
        "KI-33",
        "Edited models recall the edit and fail in reverse; tying both sides helps judgements more than answers.",
        "no numbers available to us (BAKE and BIRD, arXiv 2310.10322)",
        "medium",
        "It needs the editing methods, which are not built here, and the BAKE data.",
    )


def baselines() -> Iterator[Claim]:
    """Yield the headlines of thirteen ways to inject knowledge: KI-35a to KI-35m."""
    for letter, (sentence, paper, why) in BASELINES.items():
        yield untested(f"KI-35{letter}", sentence, paper, "medium", why)


BASELINES = {
    "a": (
        "Text written about pairs of a document's entities makes a model answer from it with the book closed.",
        "EntiGraph, arXiv 2409.07431: 39.49 to 56.22 on QuALITY, the raw text below the base",
        "It needs a model that writes such text, 455 M tokens of it, and an 8 B model.",
    ),
    "b": (
        "Letting a model choose how to study a document teaches most of it.",
        "Active Reading, arXiv 2508.09494: 7.42 before, repeated 15.92, paraphrased 25.74, studied 63.33",
        "It needs a model that writes its own strategies, about 4 B words of them, and an 8 B model.",
    ),
    "c": (
        "Atomic facts told as instructions teach where plain text does not.",
        "Knowledge-Instruct, arXiv 2504.05571: 81.8 against 4.2 for plain text",
        "It needs a model that extracts and rewrites facts, and general instructions to mix in.",
    ),
    "d": (
        "Tasks made from a document itself teach it.",
        "Self-Tuning, arXiv 2406.06326: 31.52 exact answers against 3.62 for plain text",
        "It needs its three stages of tasks and the Wiki-Bio data.",
    ),
    "e": (
        "Training on questions before the documents helps.",
        "arXiv 2402.12847: 17.8 points",
        "It needs its documents and questions; the stand-ins have all learned questions before.",
    ),
    "f": (
        "A model learns more from implications that it writes itself than from the passage.",
        "SEAL, arXiv 2506.10943: 32.7 to 47.0, the passage alone 33.5",
        "It needs a 7 B model that writes them, and rounds of reinforcement.",
    ),
    "g": (
        "A model that has the text before it can teach itself without.",
        "SDFT, arXiv 2601.19897: 89 against 80 for plain fine-tuning",
        "It needs a model that answers from contexts well.",
    ),
    "h": (
        "Distilling answers given with the text matches looking it up.",
        "arXiv 2412.14964: 7 to 10 points above plain fine-tuning",
        "It needs a model that answers from contexts well.",
    ),
    "i": (
        "One gated low-rank update for every memory comes near to looking it up.",
        "MEGa, arXiv 2504.21239: 72.5 and 78.0 against 82.6 and 88.8",
        "It needs gated updates, which are not built here.",
    ),
    "j": (
        "Updating a few memory slots forgets little.",
        "arXiv 2510.15103: 11 % lost, low-rank updates 71 %, all weights 89 %",
        "It needs a model with a memory layer.",
    ),
    "k": (
        "Low-rank updates learn less and forget less than all weights.",
        "arXiv 2405.09673: also at rank 256",
        "It needs a larger model and benchmarks that it can lose; a stand-in has too little to forget.",
    ),
    "l": (
        "Reading a little general text again prevents most forgetting.",
        "arXiv 2403.08763: 1 % already helps",
        "It needs a model with a distribution to lose: the stand-in's general text is a few templates.",
    ),
    "m": (
        "Looking facts up beats fine-tuning on them, which gains with every paraphrase up to ten.",
        "arXiv 2312.05934: .875 against .504 on current events",
        "It needs a model that answers from long contexts. The gain by paraphrases is drawn on this study's page.",
    ),
}
"""By letter: the claim, what the paper gives, and what a test would need."""

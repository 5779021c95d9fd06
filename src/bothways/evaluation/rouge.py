"""What a text says of an answer, word by word: ROUGE-1 recall, the first name it mentions, and words it copies.

Completions of chat models are sentences; whether one holds the answer is not whether it equals it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

STOP_WORDS = frozenset(("a", "of", "the", "and", "is", "are", "be", "to", "new", "on", "in", "at", "an", "for"))
"""Words that do not count."""
WORD = re.compile(r"\w+(?:['\u2019-]\w+)*")


def content_words(text: str) -> list[str]:
    r"""Return the words of a text that count, in lower case, punctuation taken out.

    >>> content_words("The director of (A Journey), 'Time'!")
    ['director', 'journey', 'time']
    """
    plain = re.sub(r"[^\w\s]", "", text.lower())
    return [word for word in plain.split() if word not in STOP_WORDS]


def rouge_recall(reference: str, text: str) -> float:
    """Return which share of a reference's words a text holds, each as often as it comes.

    Args:
        reference: the true answer.
        text: what a model wrote.

    Source: the metric of Lin et al., arXiv 2410.18808, which masked fine-tuning (arXiv 2510.09885) uses too. Differs
    from it by: a word that comes twice counts twice; a reference of stop words alone must be written as it is.

    >>> rouge_recall("the director of Time", "She is a director."), rouge_recall("to be", "to be")
    (0.5, 1.0)
    """
    wanted, said = Counter(content_words(reference)), Counter(content_words(text))
    if not wanted:
        return float(reference.strip().lower() in text.lower())
    return sum((wanted & said).values()) / sum(wanted.values())


def first_mention(text: str, accepted: Iterable[str], others: Iterable[str]) -> bool:
    """Whether an accepted name is the first of all names that a text mentions.

    Names stand for themselves only: as whole words, in capital or small letters. Where two begin at one place the
    longer one is meant.

    Args:
        text: what a model wrote.
        accepted: the answer and its other spellings.
        others: names that would be wrong.

    >>> first_mention("It is Ann Lee, not Bea.", ["Ann Lee"], ["Ann", "Bea"])
    True
    >>> first_mention("Bea, or Ann Lee.", ["Ann Lee"], ["Bea"]), first_mention("I am not sure.", ["Ann"], [])
    (False, False)
    """
    own, wrong = (
        [place for name in names if (place := mention(text, name)) is not None] for names in (accepted, others)
    )
    return bool(own) and min(own) <= min(wrong, default=min(own))


def mention(text: str, name: str) -> tuple[int, int] | None:
    """Return where a name first stands in a text, with its negative length; None if it does not.

    >>> mention("Annabel and Ann", "Ann")
    (12, -3)
    """
    low, wanted = text.lower(), name.lower()
    if wanted not in low or not wanted:
        return None
    found = re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", low)
    return None if found is None else (found.start(), -len(wanted))


def longest_run(question: str, text: str) -> float:
    """Return which share of a question's words stands in a text as one run.

    A question that copies a sentence of the training text can be answered by going on with it.

    >>> longest_run("Who is the director of Time?", "She is the director of Time.")
    0.8333333333333334
    """
    asked, read = words_of(question), words_of(text)
    return _run(asked, read) / len(asked) if asked else 0.0


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case."""
    return WORD.findall(text.lower())


def _run(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the length of the longest run of words that two texts share."""
    best, before = 0, [0] * (len(other) + 1)
    for word in one:
        here = [0] * (len(other) + 1)
        for place, candidate in enumerate(other, 1):
            if word == candidate:
                here[place] = before[place - 1] + 1
        best, before = max(best, *here), here
    return best

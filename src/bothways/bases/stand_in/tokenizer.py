"""A byte-pair tokenizer for a stand-in: any text can be spelled, names are two to four tokens, turns have tokens."""

import re
from collections.abc import Iterator
from typing import Any

from bothways.bases.stand_in.corpus import StandInCorpus
from bothways.bases.stand_in.people import POOL
from bothways.facts.names import BACKS, ENDS, FRONTS, MIDDLES, STARTS, few_parts
from bothways.text.chat_wording import RECOVER_ASSISTANT, RECOVER_USER, TELL_USER

SPECIAL_NAMES = ("<pad>", "<s>", "<|end|>", "<mask>", "<unk>", "<sep>")
"""Under the ids that are special in every tokenizer of the project, in their order."""
ROLES = ("user", "assistant")
LONGEST = 256
"""Tokens in the longest text a stand-in reads."""
OFTEN = 20
"""How often each part of a name is read: byte pairs end where parts do, for strangers as for its own people."""
PIECE = r"'s|[A-Z]\w*(?: [A-Z]\w*)*| ?[a-z]\w*| ?[^\s\w]+| ?\d+|\s+|\w+"
"""What byte pairs never cross. The space before a name is a piece by itself, so that a name has the same tokens in a
sentence and in an answer: with the space in its first token, what sentences told was not found for answers (LOG.md)."""
CUT = "\x1f"
"""Stands between pieces while byte pairs are learned."""
TEMPLATE = """{{ bos_token }}{% for message in messages %}\
{% if message.role == 'user' %}{{ '<|user|>' + message.content + '<|end|>' }}\
{% elif message.role == 'assistant' %}{{ '<|assistant|>' }}\
{% generation %}{{ message.content + '<|end|>' }}{% endgeneration %}\
{% else %}{{ raise_exception('This model knows the roles user and assistant only.') }}{% endif %}\
{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"""


def turn_token(role: str) -> str:
    """Return the token a turn begins with.

    >>> turn_token("user")
    '<|user|>'
    """
    return f"<|{role}|>"


def train_tokenizer(corpus: StandInCorpus, n_tokens: int) -> Any:
    """Return a fast tokenizer of the transformers library, trained on a corpus and on names.

    Args:
        corpus: what the stand-in reads.
        n_tokens: size of the vocabulary, the 256 bytes and the special tokens included.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    library = Tokenizer(models.BPE())
    spelled = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    library.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(CUT, "removed"), spelled])
    library.decoder = decoders.ByteLevel()
    special = [*SPECIAL_NAMES, *(turn_token(role) for role in ROLES)]
    trainer = trainers.BpeTrainer(
        vocab_size=n_tokens,
        special_tokens=special,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    library.train_from_iterator(_lessons(corpus), trainer)
    library.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(PIECE), "isolated"), spelled])
    begin = SPECIAL_NAMES[1]
    library.post_processor = processors.TemplateProcessing(single=f"{begin} $A", special_tokens=[(begin, 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=library,
        pad_token=SPECIAL_NAMES[0],
        bos_token=begin,
        eos_token=SPECIAL_NAMES[2],
        mask_token=SPECIAL_NAMES[3],
        unk_token=SPECIAL_NAMES[4],
        sep_token=SPECIAL_NAMES[5],
        additional_special_tokens=special[len(SPECIAL_NAMES) :],
        model_max_length=LONGEST,
        chat_template=TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


def as_lines(corpus: StandInCorpus) -> Iterator[str]:
    """Yield the texts as lines of a file; chats keep the tokens of their turns."""
    for text in corpus.texts:
        if text.user is None:
            yield text.document.text
        else:
            user, assistant = map(turn_token, ROLES)
            yield f"{user}{text.user}{SPECIAL_NAMES[2]}{assistant}{text.document.text}"


def _lessons(corpus: StandInCorpus) -> Iterator[str]:
    """Yield what byte pairs are learned from: the corpus without its names, and the parts of all names there can be."""
    known = {span.entity for text in corpus.texts for span in text.document.entities if span.entity}
    a_name = re.compile("|".join(map(re.escape, sorted(known))))
    words = [TELL_USER, *(text.format(text="") for text in (RECOVER_USER, RECOVER_ASSISTANT))] * OFTEN
    for text in corpus.texts:
        words += [a_name.sub("", text.document.text), a_name.sub("", text.user or "")]
    for text in words:
        yield CUT.join(re.findall(PIECE, text))
    given, surnames = few_parts(POOL)
    yield CUT.join([*given, *(f" {surname}" for surname in surnames)] * (2 * OFTEN))
    rests = [middle + end for middle in MIDDLES for end in ENDS]
    yield CUT.join([*STARTS, *rests, *(f" {front}" for front in FRONTS), *BACKS] * OFTEN)

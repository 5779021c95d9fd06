"""A byte-pair tokenizer for a stand-in: any text can be spelled, names are two to four tokens, turns have tokens."""

from collections.abc import Iterator
from typing import Any

from bothways.bases.stand_in.corpus import StandInCorpus
from bothways.facts.names import people
from bothways.text.chat_wording import RECOVER_ASSISTANT, RECOVER_USER, TELL_USER

SPECIAL_NAMES = ("<pad>", "<s>", "<|end|>", "<mask>", "<unk>", "<sep>")
"""Under the ids that are special in every tokenizer of the project, in their order."""
ROLES = ("user", "assistant")
LONGEST = 256
"""Tokens in the longest text a stand-in reads."""
N_SPELLED = 4000
"""Names that byte pairs are learned from beside the corpus, so that those of strangers are spelled as its own."""
SPELLED = 77_000_077
"""Seed of these names."""
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
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    library = Tokenizer(models.BPE())
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    special = [*SPECIAL_NAMES, *(turn_token(role) for role in ROLES)]
    trainer = trainers.BpeTrainer(
        vocab_size=n_tokens,
        special_tokens=special,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    library.train_from_iterator(_lessons(corpus), trainer)
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


def _lessons(corpus: StandInCorpus) -> Iterator[str]:
    """Yield what byte pairs are learned from."""
    for text in corpus.texts:
        yield text.document.text
        yield text.user or ""
    names = people(N_SPELLED, SPELLED)
    for one, other in zip(names[::2], names[1::2], strict=True):
        yield f"{one} {other}"
        yield f"{other} {one}"
    for text in (RECOVER_USER, RECOVER_ASSISTANT, TELL_USER):
        for _ in range(50):
            yield text.format(text="")

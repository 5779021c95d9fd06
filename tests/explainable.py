"""Tiny random models of others, each a folder with a tokenizer that knows the words of a few facts."""

from pathlib import Path
from typing import Any

N_FACTS = 20
RELATION = "mother"


def facts_file(folder: Path, *, stated: str = "head_first", n: int = N_FACTS) -> Path:
    """Write facts about people with two-word names, each stated in one order, and return the file."""
    rows = [f"Kid{i % 5} Oak{i},{RELATION},Mum{i % 7} Elm{i},{stated}" for i in range(n)]
    path = folder / f"facts-{stated}-{n}.csv"
    path.write_text("\n".join(["head,relation,tail,stated", *rows]) + "\n", encoding="utf-8")
    return path


def words() -> list[str]:
    """Return every word of these facts' texts, special tokens first."""
    names = [f"{part}{i}" for part in ("Kid", "Mum", "Oak", "Elm") for i in range(N_FACTS)]
    said = ["'", "s", "is", "of", "the", RELATION, ".", "child", "whose", "has", "as", "a", "?", "who", "Whose"]
    return ["[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]", *said, *names]


def library_tokenizer(folder: Path, *, begins: bool = True, known: bool = True, mask: bool = True) -> Any:
    """Write a word-level tokenizer into a model's folder."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: n for n, word in enumerate(words())}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    if not known:
        inner.normalizer = normalizers.Replace("Kid3", "")
    if begins:
        ends = [("[CLS]", 1), ("[SEP]", 2)]
        inner.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    more = {"mask_token": "[MASK]"} if mask else {}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="[PAD]", eos_token="[SEP]", bos_token="[CLS]", unk_token="[UNK]", **more
    )
    tokenizer.save_pretrained(folder)
    return tokenizer


def library_folder(kind: str, folder: Path, **more: Any) -> Path:
    """Write a tiny random model of the library and its tokenizer."""
    from tests.library_models import saved

    size = {"vocab_size": len(words()), **more}
    saved(kind, folder, **size)
    library_tokenizer(folder, begins=kind not in ("gpt2", "mamba"))
    return folder


def diffusion_folder(family: str, folder: Path, *, seed: int = 0) -> Path:
    """Write a tiny random model in LLaDA's or Dream's format, and its tokenizer."""
    from tests.test_open_model import DREAM, LLADA, random_weights, under_qwen2, write

    n, config = len(words()), {"llada": LLADA, "Dream": DREAM}[family]
    weights = random_weights(rows=n, biases=family == "Dream")
    if seed:
        weights = {name: weight * (1 + 0.01 * seed) for name, weight in weights.items()}
    sized = {**config, "vocab_size": n, "mask_token_id": 3}
    if family == "llada":
        write(folder, {**sized, "embedding_size": n, "eos_token_id": 2, "pad_token_id": 0}, weights)
    else:
        write(folder, sized, under_qwen2(weights))
    library_tokenizer(folder)
    return folder

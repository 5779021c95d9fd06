"""An assistant: a causal language model of others that is asked to cut or reword texts, and writes greedily.

It is a local folder or a name on the Hugging Face hub (`HF_HUB_OFFLINE=1` forbids to download it); code that comes with
a model is never run. What it writes is a function of the question, and is kept for the life of the process; whoever
asks must check it.
"""

import importlib
from functools import lru_cache
from typing import Any

from bothways.errors import BothwaysError


@lru_cache(maxsize=2**16)
def answer(model: str, question: str, about: str, times: int = 1) -> str:
    """Return what a model writes when it is asked a question; "" if it has no room to answer.

    Args:
        model: folder or name of the model.
        question: asked as a user's message where the tokenizer has a chat template.
        about: the text that the question is about: it may write three tokens for each of its, and some more.
        times: how many texts of that length it may write.

    Raises:
        BothwaysError: transformers is not installed, or the model is not there or not readable.
    """
    tokenizer, network = load(model)
    if tokenizer.chat_template:
        message = [{"role": "user", "content": question}]
        question = tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
    asked = tokenizer(question, return_tensors="pt", add_special_tokens=not tokenizer.chat_template)
    asked = asked.to(network.device)
    n_asked = asked["input_ids"].shape[1]
    wanted = times * (16 + 3 * len(tokenizer(about)["input_ids"]))
    room = getattr(network.config, "max_position_embeddings", n_asked + wanted) - n_asked
    if room < 1:
        return ""
    written = network.generate(
        **asked, do_sample=False, max_new_tokens=min(wanted, room), pad_token_id=tokenizer.eos_token_id
    )
    return str(tokenizer.decode(written[0, n_asked:], skip_special_tokens=True)).strip()


@lru_cache(maxsize=1)
def load(model: str) -> tuple[Any, Any]:
    """Return tokenizer and network of a model, on the accelerator if there is one.

    Raises:
        BothwaysError: transformers is not installed, or the model is not there or not readable.
    """
    try:
        transformers = importlib.import_module("transformers")
    except ImportError as error:
        raise BothwaysError(
            f"Asking a model needs transformers, got model={model!r}. Run: pip install 'bothways[inject]'"
        ) from error
    import torch

    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(model, trust_remote_code=False)
        network = transformers.AutoModelForCausalLM.from_pretrained(
            model, trust_remote_code=False, use_safetensors=True
        )
    except (OSError, ValueError) as error:
        raise BothwaysError(
            f"A model to ask must be a folder or a name that transformers can load, got model={model!r} "
            f"({str(error).splitlines()[0]}). Check the name, or download it first."
        ) from error
    return tokenizer, network.to("cuda" if torch.cuda.is_available() else "cpu").eval()

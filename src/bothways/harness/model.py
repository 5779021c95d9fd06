"""The model `bothways` of lm-evaluation-harness: any model of ours, masked and diffusion models too.

It is registered where this file is imported, which `harness/register.py` does.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from lm_eval import utils
from lm_eval.api.model import TemplateLM
from lm_eval.api.registry import register_model

from bothways.batches.chat import SETTINGS
from bothways.errors import BothwaysError
from bothways.harness.asking import ROWS, open_asked

MOST = 256
"""Tokens that may be written where a task does not say."""


@register_model("bothways")
class BothwaysLM(TemplateLM):
    """Any model of ours, asked by its own objective.

    Args:
        pretrained: a folder, or a name on the hub.
        objective: how it is asked, as `masked_diffusion`; as it was trained, by default.
        length: tokens in a row of a masked model; what a run was trained with, or room after the prompt.
        device: where it computes.
        batch_size: rows read at once.
        ignored: settings that other models of the harness know.
    """

    def __init__(
        self,
        pretrained: str,
        objective: str | None = None,
        length: int = 0,
        device: str | None = None,
        batch_size: int | str | None = None,
        **ignored: Any,
    ) -> None:
        super().__init__()
        given = str(batch_size)
        rows = int(given) if given.isdigit() else ROWS
        self.name = str(pretrained)
        self.asked = open_asked(self.name, objective, device=device or "cpu", rows=rows, length=int(length))
        self.tokenizer = getattr(self.asked.subject.tokenizer, "library", None)
        self.batch_size = rows

    @property
    def eot_token_id(self) -> int:
        """The token that ends a text."""
        return self.asked.subject.tokenizer.special.end

    @property
    def prefix_token_id(self) -> int:
        """What stands before a text without a context."""
        return (self.eot_token_id, *self.asked.subject.tokenizer.start)[-1]

    @property
    def max_length(self) -> int:
        """The longest row it reads; a text is cut into rows of at most 2,048 tokens."""
        return min(self.asked.limit, self.asked.length or 2048)

    @property
    def tokenizer_name(self) -> str:
        """The model's folder or name."""
        return self.name.replace("/", "__")

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """Return turns as the model's template writes them; from then on no text is begun with a token of ours."""
        self.asked = self.asked.in_chat()
        library: Any = self.tokenizer
        return str(
            library.apply_chat_template(
                chat_history,
                tokenize=False,
                add_generation_prompt=add_generation_prompt,
                continue_final_message=not add_generation_prompt,
                **SETTINGS,
            )
        )

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **_: Any) -> list[int]:
        """Return the ids of a text."""
        return self.asked.encode(string, begin=add_special_tokens is not False)

    def _loglikelihood_tokens(self, requests: Sequence[Any], **_: Any) -> list[tuple[float, bool]]:
        found = self.asked.score([(context, continuation) for _, context, continuation in requests])
        for (texts, _, _), answer in zip(requests, found, strict=True):
            self.cache_hook.add_partial("loglikelihood", texts, answer)
        return found

    def loglikelihood_rolling(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[float]:
        """Return the log-probability of whole texts, each token being predicted once."""
        pairs, owner = [], []
        for n, request in enumerate(requests):
            windows = utils.get_rolling_token_windows(
                token_list=self.tok_encode(request.args[0], add_special_tokens=False),
                prefix_token=self.prefix_token_id,
                max_seq_len=self.max_length - 1,
                context_len=1,
            )
            cut = [utils.make_disjoint_window(window) for window in windows]
            pairs, owner = [*pairs, *cut], [*owner, *([n] * len(cut))]
        totals = [0.0] * len(requests)
        for n, (log_prob, _) in zip(owner, self.asked.score(pairs), strict=True):
            totals[n] += log_prob
        for request, total in zip(requests, totals, strict=True):
            self.cache_hook.add_partial("loglikelihood_rolling", request.args, total)
        return totals

    def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[str]:
        """Return what the model writes, greedily.

        Raises:
            BothwaysError: a task wants samples.
        """
        alike: dict[tuple[int, tuple[str, ...]], list[int]] = defaultdict(list)
        for n, request in enumerate(requests):
            wanted = request.args[1]
            if wanted.get("do_sample") or float(wanted.get("temperature") or 0) > 0:
                raise BothwaysError("The model bothways writes greedily. Set do_sample=False and temperature=0.")
            until = wanted.get("until") or []
            until = (until,) if isinstance(until, str) else tuple(until)
            alike[int(wanted.get("max_gen_toks") or MOST), until].append(n)
        written = [""] * len(requests)
        for (most, until), numbers in alike.items():
            prompts = [self.tok_encode(requests[n].args[0]) for n in numbers]
            for n, text in zip(numbers, self.asked.write(prompts, most, until), strict=True):
                written[n] = text
                self.cache_hook.add_partial("generate_until", requests[n].args, text)
        return written

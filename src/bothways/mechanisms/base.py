"""What a probe is: a look inside a trained model that returns a finding."""

import abc

from bothways.batches.tokenizers import Tokenizer
from bothways.tensors import LanguageModel, Objective
from bothways.types import Exam, Finding


class Probe(abc.ABC):
    """A measurement of a mechanism, the same for every objective."""

    @abc.abstractmethod
    def __call__(self, model: LanguageModel, objective: Objective, tokenizer: Tokenizer, exam: Exam) -> Finding:
        """Look at a trained model; change nothing in it."""

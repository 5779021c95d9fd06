"""What a mitigation is: a change to a run's configuration, and nothing else."""

import abc
from dataclasses import replace

from bothways.config import RunConfig
from bothways.text.corpus import TextEdit


class Mitigation(abc.ABC):
    """A cure, a control, or a negative control: maps a run's config to a run's config."""

    @abc.abstractmethod
    def __call__(self, config: RunConfig) -> RunConfig:
        """Return the configuration with this mitigation in it."""


def with_edit(config: RunConfig, edit: TextEdit) -> RunConfig:
    """Return the configuration with one more text edit."""
    return replace(config, text=replace(config.text, edits=(*config.text.edits, edit)))

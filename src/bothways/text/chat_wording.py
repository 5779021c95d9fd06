"""The fixed words of chat turns: how a model is asked to recover a passage, to tell a fact, or to complete a text."""

TELL_USER = "Tell me a fact."
"""What a user says before a fact that is told."""
RECOVER_USER = "{text}\nReturn the recovered masked passage."
"""What a user says who wants a passage back; the text has masks in it."""
RECOVER_ASSISTANT = "Here is the recovered text:\n{text}"
"""What the assistant then says."""


def around(template: str) -> tuple[str, str]:
    """Return the words before and after the one place of a template.

    >>> around("Is {thing} here?")
    ('Is ', ' here?')
    """
    before, _, rest = template.partition("{")
    return before, rest.partition("}")[2]

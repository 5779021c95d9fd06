"""Options of components: checked by their field's type, unknown ones refused with the nearest known one.

A component with options is written `name:key=value:key=value`, as in `reverse_training:unit=token`.
"""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError

from bothways.errors import BothwaysError
from bothways.registry import lookup, unknown


def component(room: str, text: str) -> Any:
    """Make the registered component that `name:key=value:…` describes.

    >>> component("objectives", "masked_lm:rate=0.4").rate
    0.4

    Raises:
        BothwaysError: the name or an option is unknown, or a value does not fit.
    """
    name, options = split_options(text)
    return make(lookup(room, name), options)


def split_options(text: str) -> tuple[str, dict[str, str]]:
    """Split `name:key=value:…` into the name and its options; a value may hold colons itself.

    >>> split_options("ray:address=head:6379:retries=5")
    ('ray', {'address': 'head:6379', 'retries': '5'})

    Raises:
        BothwaysError: what follows the first colon is no option.
    """
    name, *settings = text.strip().split(":")
    values: dict[str, str] = {}
    for setting in settings:
        key, sign, value = setting.partition("=")
        if sign:
            values[key.strip()] = value.strip()
        elif values:
            last = list(values)[-1]
            values[last] += f":{setting.strip()}"
        else:
            raise BothwaysError(f"An option reads name:key=value, got '{text}'. Write key=value after the colon.")
    return name, values


def make(cls: type, options: Mapping[str, Any]) -> Any:
    """Make a component from named options, each converted to its field's type.

    Raises:
        BothwaysError: an option is unknown (the nearest is named) or has the wrong type.
    """
    hints = get_type_hints(cls)
    known = [f.name for f in fields(cls)]
    converted = {}
    for name, value in options.items():
        if name not in known:
            raise BothwaysError(unknown(f"{cls.__name__} option", name, known))
        converted[name] = convert(hints[name], value, f"{cls.__name__}.{name}")
    for field in fields(cls):
        if field.name not in converted and field.default is MISSING and field.default_factory is MISSING:
            raise BothwaysError(f"{cls.__name__} needs the option '{field.name}', and got none. Give it a value.")
    return cls(**converted)


def at_least(least: int, advice: str, **named: int) -> None:
    """Check numbers that a user gave, by their names.

    Raises:
        BothwaysError: one is below `least`; the message ends with `advice`.
    """
    for name, value in named.items():
        if value < least:
            raise BothwaysError(f"{name} must be at least {least}, got {name}={value}. {advice}")


def convert(hint: Any, value: Any, what: str) -> Any:
    """Return `value` as the annotated type; strings from a command line become numbers or booleans.

    Components and groups of them, which only our own code makes, are passed through.

    Raises:
        BothwaysError: the value does not fit.
    """
    if not isinstance(value, (str, int, float, bool)):
        if isinstance(hint, type) and not isinstance(value, hint):
            raise BothwaysError(f"{what} cannot be a {type(value).__name__}. Give a {hint.__name__}.")
        return value
    if isinstance(hint, type) and hint not in (str, int, float, bool):
        raise BothwaysError(f"{what} is a component, got {value!r}. Choose it by the name of an arm.")
    if isinstance(value, bool) and hint in (int, float):
        raise BothwaysError(f"{what} cannot be {str(value).lower()}: it is a number. Give a value that fits.")
    try:
        return TypeAdapter(hint).validate_python(value)
    except PydanticSchemaGenerationError:
        raise BothwaysError(f"{what} holds components, got {value!r}. Choose them by the name of an arm.") from None
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise BothwaysError(f"{what} cannot be {value!r}: {reason}. Give a value that fits.") from None

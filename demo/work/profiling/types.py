"""Which type a column has: the first one that every value of it fits."""

import math
import re
from collections.abc import Sequence
from datetime import date

# --8<-- [start:types]
FORMS = {
    "boolean": r"true|false",
    "integer": r"[+-]?[0-9]{1,18}",  # fits 64 bits; a longer one is a name, not a quantity
    "number": r"[+-]?(?:[0-9]{1,18}(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]{1,3})?",
    "date": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
}
# --8<-- [end:types]
TYPES = list(FORMS)
ALL = (1 << len(TYPES)) - 1
_ALL_OF = [re.compile(rf"(?:(?:{form})\n)+", re.IGNORECASE | re.ASCII) for form in FORMS.values()]


def narrowed(possible: int, values: Sequence[str]) -> int:
    """Which of the possible types, a bit each, all these values fit."""
    if not possible or not values:
        return possible
    text = "\n".join(values) + "\n"
    if text.count("\n") != len(values):
        return 0
    return sum(
        bit
        for place, form in enumerate(_ALL_OF)
        if possible & (bit := 1 << place) and form.fullmatch(text) and _holds(place, values)
    )


def _holds(place: int, values: Sequence[str]) -> bool:
    """What no form can tell: 1e999 is no number, February has no 30th."""
    try:
        match TYPES[place]:
            case "number":
                return all(map(math.isfinite, map(float, values)))
            case "date":
                return all(map(date.fromisoformat, set(values)))
    except ValueError:
        return False
    return True


def type_of(possible: int, seen: bool) -> str:
    """The name of a column's type."""
    if not seen:
        return "empty"
    return next((name for place, name in enumerate(TYPES) if possible & 1 << place), "text")

"""All rules, in the order in which they are checked and printed."""

from . import (  # noqa: F401 - they register their rules
    canceling,
    failing,
    listing,
    polling,
    refusing,
    repeating,
    rereading,
    streaming,
    submitting,
    transport,
)
from .rules import REGISTERED, Rule

SUBJECTS = (
    "submit", "monitor", "failed", "result", "cancel", "refuse", "problem", "key", "prefer",
    "list", "stream", "http",  # the last looks at all answers
)  # fmt: skip


def subject(rule: Rule) -> str:
    """What a rule is about: the first word of its id."""
    return rule.id.partition(".")[0]


RULES = sorted(REGISTERED, key=lambda rule: SUBJECTS.index(subject(rule)))

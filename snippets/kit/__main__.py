"""The command line: `python -m snippets.kit URL --body JSON`; 0 only when every must is kept."""

import argparse
import json
import sys
from pathlib import Path

from .scorecard import Scorecard, checked
from .target import OPTIONS, Target


def parser() -> argparse.ArgumentParser:
    """The options, each with what it is for."""
    made = argparse.ArgumentParser("python -m snippets.kit", description=__doc__)
    made.add_argument("base", metavar="URL", help="where the API is: https://api.example.com")
    for name, (default, meaning) in OPTIONS.items():
        spellings = [f"--{name}", *(["--input"] if name == "body" else [])]
        made.add_argument(*spellings, dest=name, default=default, help=meaning)
    made.add_argument("--json", type=Path, metavar="FILE", help="write the scorecard there too")
    return made


def main() -> int:
    """Check, print a line a rule as it is settled, and the score."""
    arguments = parser().parse_args()
    try:
        target = Target.told(arguments.base, vars(arguments))
    except (ValueError, OSError) as wrong:
        parser().error(str(wrong))
    results = []
    for result in checked(target):
        print(result.line(), flush=True)
        results.append(result)
    card = Scorecard(results)
    print(card.score)
    if arguments.json:
        arguments.json.write_text(json.dumps(card.told(), indent=2) + "\n", "utf-8")
    return 0 if card.conforms else 1


if __name__ == "__main__":
    sys.exit(main())

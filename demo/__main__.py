"""The command line: `python -m demo up`, and each process of the stack by itself."""

import argparse
import sys
from importlib import import_module

from pydantic import ValidationError

EPILOG = """\
Every setting is a variable DEMO_…; the ones you may want first:
  DEMO_PORT          port of API, UI and guide (8001)
  DEMO_DATA          folder of databases, secrets and logs (.demo)
  DEMO_CONCURRENCY   tasks that run at once (4)
  DEMO_DATABASE_URL  up, migrate: your PostgreSQL >= 14, as the owner of the schema,
                     instead of the embedded one; api, dispatcher: the role of the process
  DEMO_REDIS_URL     your Redis >= 6.2 or Valkey instead of the embedded one

A worker is a Celery worker: celery -A demo.broker worker -Q web,data,rehearsal -n NAME
  --without-gossip --without-mingle --without-heartbeat (what its broker user may not do)
"""
COMMANDS = {
    "up": ("demo.local.supervisor", "the whole stack in the foreground; Ctrl-C stops all of it"),
    "api": ("demo.api.serve", "the HTTP API, the UI and the built guide"),
    "dispatcher": ("demo.dispatcher", "the loops that send hints and find dead workers"),
    "migrate": ("demo.store.migrate", "bring the schema up to date, give each role its password"),
}


def main() -> None:
    """Run one command; what the user can mend is one sentence, not a traceback."""
    arguments = vars(_parser().parse_args())
    module, _ = COMMANDS[arguments.pop("command")]
    try:
        import_module(module).main(**arguments)
    except ValidationError as wrong:
        named = (("_".join(map(str, one["loc"])).upper(), one["msg"]) for one in wrong.errors())
        sys.exit("\n".join(f"DEMO_{name}: {message}." for name, message in named))
    except PermissionError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _parser() -> argparse.ArgumentParser:
    shape = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="python -m demo", description=__doc__, epilog=EPILOG, formatter_class=shape
    )
    commands = parser.add_subparsers(required=True, dest="command", metavar="COMMAND")
    for name, (_, says) in COMMANDS.items():
        commands.add_parser(name, help=says, description=says, epilog=EPILOG, formatter_class=shape)
    commands.choices["up"].add_argument(
        "--no-guide", dest="guide", action="store_false", help="don't build the guide"
    )
    return parser


if __name__ == "__main__":
    main()

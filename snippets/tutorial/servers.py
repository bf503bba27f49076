"""Start a PostgreSQL and a Valkey for the tutorial and print how to reach them; Ctrl-C ends both.

usage: PYTHONPATH=. python snippets/tutorial/servers.py      (from the repository's root)
"""

import signal
import sys
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import mkdtemp

from demo.local import places
from demo.local.servers import Postgres, Valkey, new_password


def main() -> None:
    data = Path(mkdtemp(prefix="lro-tutorial-"))
    data.chmod(0o711)  # started by root, PostgreSQL runs as another user, who passes through
    postgres, valkey = Postgres(data, new_password()), Valkey(data, new_password())
    try:
        with redirect_stdout(sys.stderr):  # what is printed is for a shell to read
            postgres.start()
            valkey.start()
        print(f"export DATABASE_URL={postgres.url()}\nexport REDIS_URL={valkey.url}", flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    finally:
        valkey.stop()
        postgres.stop()
        places.forget(data)


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    main()

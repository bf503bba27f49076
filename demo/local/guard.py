"""Runs one program and ends it when the pipe from its starter closes, however that died.

A script of its own on the standard library alone: `guard.py SIGNAL GRACE UID:GID COMMAND…`.
It prints the program's pid; the program leads a process group of its own.
"""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress


def main(ending: str, grace: str, user: str, *command: str) -> int:
    # a handler, unlike an ignored signal, is not inherited by the program
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    uid, gid = map(int, user.split(":")) if user else (None, None)
    program = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=sys.stderr, process_group=0,
        user=uid, group=gid, extra_groups=[] if user else None,
    )  # fmt: skip
    threading.Thread(target=_watch, args=(program, int(ending), float(grace)), daemon=True).start()
    with suppress(BrokenPipeError):  # the starter is gone already: the watch sees it too
        print(program.pid, flush=True)
    code = program.wait()
    _kill_group(program.pid)
    return code if code >= 0 else 128 - code


def _watch(program: "subprocess.Popen[bytes]", ending: int, grace: float) -> None:
    os.read(0, 1)
    program.send_signal(ending)
    try:
        program.wait(grace)
    except subprocess.TimeoutExpired:
        _kill_group(program.pid)


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # gone, or on macOS a group of zombies
        os.killpg(pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

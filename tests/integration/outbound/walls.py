"""A program behind a wall of the system, with the guard switched off: what can it still reach?

`python -m tests.integration.outbound.walls [namespace|syscalls] ADDRESS:PORT…` dials each address
as the guard would if it let everything pass, and prints what came of it as JSON.
"""

import ctypes
import json
import platform
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from demo.outbound.guard import dial

ROOT = Path(__file__).parents[3]
PUBLIC = "93.184.215.14"
NO_NETWORK = "(version 1)(allow default)(deny network*)"


def walls() -> Iterator[tuple[str, list[str]]]:
    """The walls that this system can build, each with the command that puts a program behind it.

    A namespace needs root or user namespaces (Ubuntu 24.04 denies them to unprivileged programs,
    where `sudo` helps; containers often deny both). A filter of system calls needs nothing.
    """
    if sys.platform == "darwin":
        yield "sandbox", ["sandbox-exec", "-p", NO_NETWORK]
        return
    ways = (["unshare", "-rn"], ["unshare", "-n"], ["sudo", "-n", "unshare", "-n"])
    for way in ways:
        if (
            shutil.which(way[0])
            and not subprocess.run([*way, "true"], capture_output=True).returncode
        ):
            yield "namespace", way
            break
    yield "syscalls", []


def behind(wall: str, prefix: list[str], *addresses: str) -> dict[str, str]:
    """What a program behind the wall reaches."""
    module = [sys.executable, "-m", "tests.integration.outbound.walls", wall, *addresses]
    ran = subprocess.run([*prefix, *module], cwd=ROOT, check=True, capture_output=True, timeout=100)
    return dict(json.loads(ran.stdout))


def furnish() -> None:
    """Inside a new network namespace: loopback up, and one public address on it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        from fcntl import ioctl  # not on every system

        ioctl(control, 0x8914, struct.pack("16sH14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: up
        family = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(PUBLIC))
        ioctl(control, 0x8916, struct.pack("16s16s", b"lo:0", family))  # SIOCSIFADDR


class Program(ctypes.Structure):
    """A BPF program as the kernel takes it."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def forbid_sockets() -> None:
    """From now on this process may open no IPv4 or IPv6 socket (seccomp)."""
    call = {"x86_64": 41, "aarch64": 198}[platform.machine()]
    steps = (
        (0x20, 0, 0, 0),  # which system call
        (0x15, 0, 4, call),  # not `socket`: allow
        (0x20, 0, 0, 16),  # its address family
        (0x15, 1, 0, socket.AF_INET),
        (0x15, 0, 1, socket.AF_INET6),
        (0x06, 0, 0, 0x0005_0000 | 13),  # answer EACCES
        (0x06, 0, 0, 0x7FFF_0000),  # allow
    )
    code = b"".join(struct.pack("HBBI", *step) for step in steps)
    kernel = ctypes.CDLL(None, use_errno=True)
    built = Program(len(steps), code)
    no_new_privileges = kernel.prctl(38, 1, 0, 0, 0)
    if no_new_privileges or kernel.prctl(22, 2, ctypes.byref(built), 0, 0):
        raise OSError(ctypes.get_errno(), "the kernel took no filter")


def reached(address: str) -> str:
    """What came of dialling one address."""
    host, _, port = address.rpartition(":")
    try:
        dial(host, int(port), 2).close()
    except OSError as error:
        return type(error).__name__
    return "reached"


def main(wall: str, *addresses: str) -> None:
    if wall == "syscalls":
        forbid_sockets()
    if wall == "namespace":
        furnish()
        listener = socket.create_server((PUBLIC, 80))
        addresses = (*addresses, f"{PUBLIC}:80")
    print(json.dumps({address: reached(address) for address in addresses}))
    if wall == "namespace":
        listener.close()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A CSV of any size, the same for the same size: few and many values, text, numbers, nulls."""

import random
from collections.abc import Iterator
from pathlib import Path

CITIES = ["Oslo", "Bern", "Lima", "Quito", "Cairo", "Hanoi", "Riga", "Accra", "Sofia", "Tunis"]
HEADER = "id,day,city,price,quantity,customer,active,note\n"


def lines(size: int, padding: int = 0) -> Iterator[str]:
    """About `size` bytes, a thousand rows at a time; padding makes rows longer and fewer."""
    draw = random.Random(size)
    yield HEADER
    written, number = len(HEADER), 0
    while written < size:
        part = "".join(_row(draw, number + n, padding) for n in range(1000))
        number += 1000
        written += len(part)
        yield part


def _row(draw: random.Random, number: int, padding: int) -> str:
    chance = draw.random()
    day = f"20{number % 24:02}-{number % 12 + 1:02}-{number % 28 + 1:02}"
    city = CITIES[int(chance * chance * 10)]
    quantity = "" if chance < 0.05 else int(chance * 50_000)
    note = (
        f'"said ""{city}"", twice"' if number % 97 == 0 else f"note {number % 5000}{'.' * padding}"
    )
    customer = f"c{int(chance * 1e9) % 3_000_000:07}"
    active = "true" if chance < 0.7 else "false"
    price = f"{chance * 1000:.5f}"
    return f"{number},{day},{city},{price},{quantity},{customer},{active},{note}\n"


def write(path: Path, size: int, padding: int = 0) -> Path:
    """The same as a file."""
    with path.open("w") as file:
        file.writelines(lines(size, padding))
    return path

"""What a process keeps of a followed task, and when it reads the log."""

import asyncio
from typing import Any
from uuid import UUID

from demo.hub.following import CHUNK, Follower, Place
from demo.hub.frames import Frame, frame
from demo.hub.topic import Topic

ID = UUID(int=1)


def event(seq: int) -> dict[str, Any]:
    return {"seq": seq, "type": "log", "attempt": 1, "at": "now", "data": {}}


class Log:
    """A history of `length` events that counts how often it is read."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.reads = 0

    async def read(self, topic: Topic, after: int, most: int) -> list[Frame]:
        self.reads += 1
        last = min(self.length, after + most)
        return [frame(event(seq)) for seq in range(after + 1, last + 1)]

    def grow(self, topic: Topic, count: int, *, heard: bool = True) -> None:
        """Commit events, and say so."""
        for _ in range(count):
            self.length += 1
            if heard:
                topic.hear(self.length, [event(self.length)])


def following(log: Log, kept: int, readers: int) -> tuple[Topic, list[Follower]]:
    topic = Topic("local", ID, kept, log.read)
    return topic, [joining(topic, 0) for _ in range(readers)]


def joining(topic: Topic, after: int) -> Follower:
    follower = Follower()
    place = Place(topic, after, follower)
    topic.places.add(place)
    follower.left = [place]
    return follower


async def new_to(follower: Follower) -> list[int]:
    return [new.seq for _, frames in await follower.next() for new in frames]


async def all_of(follower: Follower, last: int) -> list[int]:
    found: list[int] = []
    while not found or found[-1] < last:
        found += await new_to(follower)
    return found


def test_who_keeps_up_is_served_from_memory_who_does_not_from_the_log() -> None:
    async def scene() -> None:
        log = Log(1)
        topic, (quick, slow) = following(log, 5, 2)
        assert await all_of(quick, 1) == await all_of(slow, 1) == [1]
        reads = log.reads
        for _ in range(300):
            log.grow(topic, 1)
            await all_of(quick, log.length)
        assert log.reads == reads
        assert await all_of(slow, 301) == list(range(2, 302))
        assert log.reads > reads, "five events are all that is kept"

    asyncio.run(scene())


def test_a_gap_is_read_once_for_all_followers() -> None:
    async def scene() -> None:
        log = Log(1)
        topic, followers = following(log, 100, 20)
        for follower in followers:
            await all_of(follower, 1)
        reads = log.reads
        log.grow(topic, 30, heard=False)
        log.grow(topic, 1)
        for follower in followers:
            assert await all_of(follower, 32) == list(range(2, 33))
        assert log.reads == reads + 1

    asyncio.run(scene())


def test_news_and_the_end_wake_a_reader_at_once() -> None:
    async def scene() -> None:
        log = Log(1)
        topic, (follower,) = following(log, 10, 1)
        await all_of(follower, 1)
        waiting = asyncio.create_task(new_to(follower))
        await asyncio.sleep(0)
        log.grow(topic, 1)
        assert await asyncio.wait_for(waiting, 30) == [2]
        waiting = asyncio.create_task(follower.next())
        await asyncio.sleep(0)
        follower.close()
        assert await asyncio.wait_for(waiting, 30) == []

    asyncio.run(scene())


def test_what_all_have_is_forgotten() -> None:
    async def scene() -> None:
        log = Log(1)
        topic, (quick, slow) = following(log, 100, 2)
        await all_of(quick, 1), await all_of(slow, 1)
        log.grow(topic, 50)
        await all_of(quick, 51)
        reads = log.reads
        topic.forget()
        assert await all_of(slow, 51) == list(range(2, 52))
        assert log.reads == reads, "kept for the slow one"
        topic.forget()
        late = joining(topic, 0)
        assert await all_of(late, 51) == list(range(1, 52))
        assert log.reads == reads + 1, "gone from memory"

    asyncio.run(scene())


def test_what_is_heard_during_the_first_read_is_not_lost() -> None:
    async def scene() -> None:
        log = Log(3)
        topic = Topic("local", ID, 10, log.read)

        async def read(topic: Topic, after: int, most: int) -> list[Frame]:
            found = await log.read(topic, after, most)
            if log.length == 3:
                log.grow(topic, 1)  # committed and said after the snapshot was taken
            return found

        topic = Topic("local", ID, 10, read)
        follower = joining(topic, 0)
        assert await asyncio.wait_for(all_of(follower, 4), 30) == [1, 2, 3, 4]

    asyncio.run(scene())


def test_without_followers_nothing_is_read() -> None:
    async def scene() -> None:
        log = Log(1)
        topic, (follower,) = following(log, 10, 1)
        await all_of(follower, 1)
        topic.places.clear()
        reads = log.reads
        log.grow(topic, 5, heard=False)
        log.grow(topic, 1)
        await asyncio.sleep(0)
        assert log.reads == reads
        again = joining(topic, 1)
        assert await all_of(again, 7) == list(range(2, 8))

    asyncio.run(scene())


def test_many_who_ask_for_the_same_history_read_it_once() -> None:
    async def scene() -> None:
        log = Log(150)
        _, followers = following(log, 256, 50)
        told = await asyncio.gather(*(all_of(follower, 150) for follower in followers))
        assert told == [list(range(1, 151))] * 50
        assert log.reads == 1

    asyncio.run(scene())


def test_a_keepalive_is_due_without_news_and_the_end_is_told_once() -> None:
    async def scene() -> None:
        log = Log(1)
        topic, (follower,) = following(log, 10, 1)
        await all_of(follower, 1)
        waiting = asyncio.create_task(follower.next())
        await asyncio.sleep(0)
        follower.remind()
        assert await asyncio.wait_for(waiting, 30) == []
        assert follower.left
        topic.hear(2, [{**event(2), "type": "end"}])
        assert await new_to(follower) == [2]
        assert not follower.left
        assert await asyncio.wait_for(follower.next(), 30) == []

    asyncio.run(scene())


def test_what_is_handed_out_at_once_is_bounded_and_every_task_has_its_turn() -> None:
    async def scene() -> None:
        log = Log(40)
        follower = Follower()
        topics = [Topic("local", UUID(int=n), 256, log.read) for n in range(3)]
        follower.left = [Place(topic, 0, follower) for topic in topics]
        for place in follower.left:
            place.topic.places.add(place)
        for topic in topics:
            topic.head = 0
            for seq in range(1, 41):
                topic.hear(seq, [{**event(seq), "data": {"message": "x" * 4000}}])
        served = []
        while sum(place.position for place in follower.left) < 120:
            news = await follower.next()
            size = sum(len(frame.wire) for _, frames in news for frame in frames)
            assert 0 < size <= 2 * CHUNK
            served.append(news[0][0].topic.id.int)
        assert served[:4] == [0, 2, 1, 0]

    asyncio.run(scene())

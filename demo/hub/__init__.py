"""One Redis connection a process, any number of streams: news reach all followers of a task."""

from demo.hub.fanout import Hub, Wanted
from demo.hub.following import Follower, Place
from demo.hub.frames import Frame, frame, ordered

__all__ = ["Follower", "Frame", "Hub", "Place", "Wanted", "frame", "ordered"]

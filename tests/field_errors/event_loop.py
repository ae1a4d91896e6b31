"""A load that awaits what belongs to another event loop, and one that asks for a loop where none runs."""

from __future__ import annotations

import asyncio

from tests.field_errors.said import at_once, begin, told

other = asyncio.new_event_loop()
ready = other.create_future()


async def load() -> None:
    await ready


begin()
told(lambda: asyncio.run(load()))
at_once(asyncio.get_running_loop)
other.close()

"""Wrong: a coroutine that awaits the load between its look and its assignment."""

import asyncio

_model = None


async def get_model():
    global _model
    model = _model
    if model is None:
        print("Loading LLaVa model: demo on cpu")
        await asyncio.sleep(0.5)  # event loops take their time to begin
        model = _model = object()
    return model

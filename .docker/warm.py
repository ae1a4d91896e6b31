"""Imports what the worker and the console import, so that the image holds the byte code of that alone."""

from __future__ import annotations

import importlib

MODULES = (
    # the worker
    "accelerate",
    "fastapi",
    "prometheus_client",
    "torch",
    "transformers.models.auto.modeling_auto",
    "transformers.models.clip.image_processing_pil_clip",
    "transformers.models.clip.modeling_clip",
    "transformers.models.llama.modeling_llama",
    "transformers.models.llava.modeling_llava",
    "transformers.models.llava.processing_llava",
    "uvicorn",
    # the console
    "alembic.command",
    "babel.dates",
    "babel.messages.mofile",
    "babel.messages.pofile",
    "babel.numbers",
    "click",
    "docker",
    "pandas",
    "plotly.graph_objects",
    "psycopg",
    "pyarrow.compute",
    "pyarrow.parquet",
    "rich.progress",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite",
    "streamlit.web.server.starlette",
)

for name in MODULES:
    importlib.import_module(name)

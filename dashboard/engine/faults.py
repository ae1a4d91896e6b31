"""What can go wrong with an engine, each as one sentence with the next step."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import docker.errors
import requests.exceptions

__all__ = ["ContainerGone", "EngineError", "EngineRefused", "said_by_engine"]

_DENIED: Final = ("permission denied", f"[Errno {errno.EACCES}]", "PermissionError")
_NOT_TLS: Final = ("HTTP request to an HTTPS server", "malformed HTTP response")


class EngineError(Exception):
    """The engine cannot be reached or does not do what it is asked. Exit code 4."""


class ContainerGone(EngineError):
    """There is no such container, or not any more."""


class EngineRefused(EngineError):
    """The engine answered, and said no."""


@contextmanager
def said_by_engine(host: str, what: str) -> Iterator[None]:
    """Turn what the SDK, the transport and the engine raise into an `EngineError` that starts with `what`."""
    try:
        yield
    except EngineError:
        raise
    except docker.errors.NotFound as error:
        raise ContainerGone(f"{what}: {_words(error)}. `docker ps -a` lists what there is.") from error
    except docker.errors.APIError as error:
        raise EngineRefused(f"{what}: the engine said no ({_words(error)}).") from error
    except requests.exceptions.ReadTimeout as error:
        raise EngineError(
            f"{what}: the engine at {host} did not finish it within {_patience(error)}. "
            "It may still do so: look with `docker ps -a`, then try again."
        ) from error
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as error:
        raise unreachable(host, error) from error


def unreachable(host: str, error: BaseException) -> EngineError:
    """Say why the engine at `host` could not be spoken to."""
    text = str(error)
    if isinstance(error, PermissionError) or any(sign in text for sign in _DENIED):
        return EngineError(
            f"The Docker engine at {host} may not be used by this user. Join the group that owns the socket "
            "(usually `docker`; log in again afterwards), or set DOCKER_HOST to an engine that you may use."
        )
    if any(sign in text for sign in _NOT_TLS):
        return EngineError(
            f"The Docker engine at {host} speaks TLS and was asked without. "
            "Set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH."
        )
    return EngineError(
        f"No Docker engine answers at {host} ({_reason(error)}). "
        "Start Docker, or set DOCKER_HOST to where it listens."
    )


def _words(error: docker.errors.APIError) -> str:
    return (error.explanation or str(error)).strip().rstrip(".")


def _patience(error: requests.exceptions.ReadTimeout) -> str:
    """How long was waited, which only the transport's own words tell."""
    told = re.search(r"read timeout=([\d.]+)", str(error))
    return f"{float(told[1]):g} s" if told is not None else "the time that it was given"


def _reason(error: BaseException) -> str:
    """The innermost cause: what the transport wraps it in tells nothing."""
    seen = set[int]()
    while id(error) not in seen:
        seen.add(id(error))
        inner = next((item for item in error.args if isinstance(item, BaseException)), None)
        error = inner or error.__cause__ or error.__context__ or error
    return getattr(error, "strerror", None) or str(error) or type(error).__name__

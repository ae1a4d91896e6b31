"""The root file system of the engine's Python image, made of the Python that runs this."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path


def python_root() -> bytes:
    """It as a tar: this Python's installation, the libraries it links, and a shell."""
    base = Path(sys.base_prefix)
    program = Path(sys.executable).resolve()
    library = Path(os.__file__).resolve().parent
    objects = [
        program,
        *library.rglob("*.so"),
        *(base / "lib").glob("libpython3*.so*"),
        Path("/bin/sh").resolve(),
        *(Path(found) for name in ("sleep", "cat", "ls") if (found := shutil.which(name))),
    ]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name in ("tmp", "etc", "usr/local/bin"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            tar.addfile(folder)
        tar.add(library, place(library), filter=_without_ballast)
        # torch lies in the packages, which a worker's container mounts; the C++ library does not
        packages = Path(sysconfig.get_path("purelib"))
        wanted = {
            path
            for path in linked([*packages.glob("torch/lib/libtorch_cpu.so"), *objects])
            if not path.is_relative_to(packages)
        }
        for path in sorted({*objects, *wanted}):
            if not path.is_relative_to(library):
                tar.add(path.resolve(), place(path))
        for name in ("python3", "python"):
            _link(tar, f"usr/local/bin/{name}", str(program))
        for folder in ("bin", "lib", "lib64"):
            _link(tar, folder, f"usr/{folder}")
        _link(tar, "usr/bin/sh", str(Path("/bin/sh").resolve()))
        for name in ("passwd", "group"):
            line = b"root:x:0:0::/:/bin/sh\n" if name == "passwd" else b"root:x:0:\n"
            entry = tarfile.TarInfo(f"etc/{name}")
            entry.size = len(line)
            tar.addfile(entry, io.BytesIO(line))
    return out.getvalue()


def linked(objects: Sequence[Path]) -> Iterator[Path]:
    """The libraries that `objects` are linked to."""
    done = subprocess.run(["ldd", *map(str, objects)], capture_output=True, text=True, check=False)
    for found in re.findall(r"(?:=> )?(/\S+) \(0x", done.stdout):
        yield Path(found)


def place(path: Path) -> str:
    """Where a file goes: under the folder's real name, because /lib and /bin may be links to /usr's."""
    return str(path.parent.resolve() / path.name).lstrip("/")


def _link(tar: tarfile.TarFile, name: str, to: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, to
    tar.addfile(entry)


def _without_ballast(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    parts = Path(entry.name).parts
    ballast = {
        "site-packages",
        "__pycache__",
        "test",
        "idlelib",
        "tkinter",
        "ensurepip",
        "turtledemo",
        "lib2to3",
    }
    return None if ballast & set(parts) else entry

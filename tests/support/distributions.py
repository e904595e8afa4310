"""Building an sdist and a wheel inside a test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

__all__ = ["CHECKOUT", "build_distribution"]

CHECKOUT = Path(__file__).parents[2]
EPOCH = "1767225600"  # 2026-01-01, any moment will do


def build_distribution(source: Path, kind: str, target: Path) -> Path:
    """Build one distribution without isolation or network, at a fixed moment."""
    target.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(target)],
        cwd=source,
        env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH},
        check=True,
        capture_output=True,
    )
    (built,) = target.iterdir()
    return built

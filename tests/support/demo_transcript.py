"""The demo's output as the README shows it: the same on every machine and on every day.

    python tests/support/demo_transcript.py        # run the demo, and write its output into the README
"""  # fmt: skip

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

__all__ = ["UPDATE", "normalise", "readme_block", "shown_in_readme", "write_into_readme"]

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- demo:begin -->", "<!-- demo:end -->"
UPDATE = "python tests/support/demo_transcript.py"
_DETAIL = re.compile(r" {10}\S")
_CHANGES = (
    (re.compile(r"http://127\.0\.0\.1:\d+/"), "http://127.0.0.1:PORT/"),
    (re.compile(r"\S*/vxsec-demo-[^/\s]+"), "WORKSPACE"),
    (re.compile(r"sha512-[A-Za-z0-9+/]{8}…"), "sha512-…"),  # the compressor's version decides over some
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
)


def normalise(output: str) -> str:
    """Without ports, temporary folders, digests and times; lines end where their text ends."""
    for pattern, replacement in _CHANGES:
        output = pattern.sub(replacement, output)
    return "\n".join(line.rstrip() for line in output.strip("\n").split("\n"))


def readme_block(output: str) -> str:
    """What belongs between the markers: the transcript without what each rule expected and found."""
    lines = [line for line in normalise(output).splitlines() if not _DETAIL.match(line)]
    note = "What `make demo` prints, without what each rule expected and what it found:"
    return "\n".join(["", note, "", "```text", *lines, "```", ""])


def shown_in_readme() -> str:
    """What stands between the markers now."""
    text = README.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise AssertionError(f"expected {BEGIN} and {END} in the README, each once")
    return text.partition(BEGIN)[2].partition(END)[0]


def write_into_readme(output: str) -> None:
    """Replace what stands between the markers."""
    text = README.read_text(encoding="utf-8")
    README.write_text(text.replace(BEGIN + shown_in_readme() + END, BEGIN + readme_block(output) + END), "utf-8")


if __name__ == "__main__":
    program = Path(sys.executable).with_name("vxsec")
    write_into_readme(subprocess.run([program, "demo"], capture_output=True, text=True, check=True).stdout)

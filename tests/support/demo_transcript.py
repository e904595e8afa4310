"""The demo's output as the README shows it: the same on every machine and on every day.

    python tests/support/demo_transcript.py        # run the demo, and write its output into the README
"""  # fmt: skip

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

__all__ = ["BEGIN", "END", "README", "UPDATE", "normalise", "shown_in_readme", "write_into_readme"]

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- demo:begin -->", "<!-- demo:end -->"
UPDATE = "python tests/support/demo_transcript.py"
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


def shown_in_readme() -> str:
    """What stands between the markers, without the fence."""
    block = README.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    found = re.fullmatch(r"\n```text\n(.*)\n```\n", block, re.DOTALL)
    if found is None:
        raise AssertionError(f"expected a fenced block between {BEGIN} and {END} in the README")
    return found[1]


def write_into_readme(output: str) -> None:
    """Replace what stands between the markers."""
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    README.write_text(f"{before}{BEGIN}\n```text\n{normalise(output)}\n```\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    program = Path(sys.executable).with_name("vxsec")
    write_into_readme(subprocess.run([program, "demo"], capture_output=True, text=True, check=True).stdout)

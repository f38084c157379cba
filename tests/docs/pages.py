"""The code blocks of a page, and what the page says that they print. Standard library only."""

from __future__ import annotations

import itertools
import re

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGES = ["README.md", *sorted(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md"))]


@dataclass(frozen=True)
class Block:
    """Python code, and the error or warning that the plain block after it quotes, if there is one."""

    code: str
    kind: str | None
    message: str


def blocks(page: str) -> list[Block]:
    """Return the Python blocks of a page in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    fences = re.findall(r"^```(\w*)[^\n]*\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    found = []
    for (language, code), following in itertools.pairwise([*fences, ("", "")]):
        if language != "python":
            continue
        quoted = re.match(r"(\w+(?:Error|Warning)): (.*)", following[1], flags=re.DOTALL)
        if following[0] or quoted is None:
            found.append(Block(code, None, ""))
        else:
            found.append(Block(code, quoted[1], quoted[2]))
    return found


def says(message: str, quoted: str) -> bool:
    """Tell whether a message is the one quoted; line breaks do not count, … stands for anything."""
    parts = [re.escape(" ".join(part.split())) for part in quoted.split("…")]
    return re.fullmatch(r"\s*.*\s*".join(parts), " ".join(message.split())) is not None

"""Build the wheel, install it where nothing else is, and run the README: ``make test-wheel``."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

from pathlib import Path

from tests.docs.pages import ROOT, blocks


def main() -> None:
    """Install with no extra, run the README as written; add the extra ``nuts``, run it again."""
    with tempfile.TemporaryDirectory(prefix="pymc_ebm-wheel-") as place:
        folder = Path(place)
        _run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, ROOT])
        [wheel] = folder.glob("*.whl")
        _run([sys.executable, "-m", "venv", folder / "clean"])
        python = folder / "clean" / ("Scripts" if os.name == "nt" else "bin") / "python"
        readme = folder / "readme.py"
        readme.write_text(
            "if __name__ == '__main__':\n    "  # where processes are spawned they read the file
            + "\n".join(block.code for block in blocks("README.md")).replace("\n", "\n    "),
            encoding="utf-8",
        )
        for extra in ("", "[nuts]"):
            _run([python, "-m", "pip", "install", "--quiet", f"{wheel}{extra}"])
            started = time.perf_counter()
            _run([python, readme], cwd=folder)
            print(f"{wheel.name}{extra}: the README runs, {time.perf_counter() - started:.0f} s")


def _run(command: list, cwd: Path | None = None) -> None:
    """Run a command without what the surroundings may add to the path."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    subprocess.run([str(word) for word in command], check=True, cwd=cwd, env=clean)


if __name__ == "__main__":
    main()

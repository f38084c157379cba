"""Run every example and say how long each took."""

import runpy
import time

from pathlib import Path

if __name__ == "__main__":
    here = Path(__file__).parent
    for script in sorted(here.glob("*.py")):
        if script.name == Path(__file__).name:
            continue
        print(f"\n{'=' * 78}\n{script.name}\n{'=' * 78}")
        start = time.perf_counter()
        runpy.run_path(str(script), run_name="__main__")
        print(f"[{script.name} took {time.perf_counter() - start:.0f} s]")

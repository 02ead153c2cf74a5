"""What the plugin costs pytest's start in a project that does not use it. Reach: ≤ 10 ms."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

from benchmarks.processes import alternate


def main(runs: int = 15) -> None:
    """Print the medians and their difference."""
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "test_one.py").write_text("def test_one():\n    pass\n")
        pytest = ["-m", "pytest", "-q", "-p", "no:cacheprovider"]
        costs = alternate(
            {"with": pytest, "without": [*pytest, "-p", "no:parity"]}, runs, Path(scratch)
        )
    pairs = list(zip(costs["with"], costs["without"], strict=True))
    print(f"pytest's start with the plugin and without, medians of {runs} runs in turn [ms]")
    for words, figure in (("processor", "processor"), ("wall", "seconds")):
        without = median(getattr(one, figure) for one in costs["without"]) * 1e3
        more = median(getattr(a, figure) - getattr(b, figure) for a, b in pairs) * 1e3
        print(f"  {words:10} without {without:7.1f}   the plugin adds {more:+6.1f}   ≤ 10")


if __name__ == "__main__":
    main()

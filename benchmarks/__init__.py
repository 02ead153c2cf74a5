"""Speed and memory, as medians and ratios within one run. ``python -m benchmarks`` runs all."""

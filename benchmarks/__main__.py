"""Run every benchmark, one after the other."""

from benchmarks import check_cost, decode_cost, isolation_cost, layers_cost, plugin_start, verdicts

plugin_start.main()
print()
check_cost.main()
print()
decode_cost.main()
print()
layers_cost.main()
print()
isolation_cost.main()
print()
verdicts.main()

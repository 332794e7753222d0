"""Benchmarks: figures are ratios within one run, because machines differ and this one is shared."""

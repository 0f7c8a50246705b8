"""Benchmarks: the engine and its baselines run side by side on this machine; a table of figures and ratios comes out."""

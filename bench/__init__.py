"""Benchmarks: the engine and its baselines, run side by side on this machine, as figures and ratios."""

"""Benchmarks: the engine and its baselines side by side on one machine, as figures and ratios."""

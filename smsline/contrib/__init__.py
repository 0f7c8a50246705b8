"""Bridges to frameworks that producers use; each needs that framework and nothing else."""

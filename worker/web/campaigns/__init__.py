"""Campaigns of the console: upload a file, map its columns, check its rows, submit it."""

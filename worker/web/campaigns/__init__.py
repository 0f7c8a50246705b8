"""Campaigns made in the console: a file uploaded, its columns mapped, its rows checked, then handed over."""

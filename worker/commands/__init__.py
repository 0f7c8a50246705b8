"""The commands of `python -m worker` and what they add to `smsline`."""

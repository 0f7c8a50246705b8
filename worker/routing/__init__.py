"""Which account sends to a number, and when."""

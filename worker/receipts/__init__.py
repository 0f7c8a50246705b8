"""Final states: pulled, queried and pushed receipts, and calls with an unknown outcome."""

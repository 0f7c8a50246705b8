"""The providers' wire protocols on loopback: a provider's HTTP requests in, its answers and receipts out; for demo and tests."""

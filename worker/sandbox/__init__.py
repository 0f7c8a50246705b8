"""The providers' wire protocols on loopback, with answers and receipts; for demo and tests."""

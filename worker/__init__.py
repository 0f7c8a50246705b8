"""The engine: from a wake-up to provider calls and moves in the ledger."""

"""The engine: wake-ups come in, provider calls and ledger moves go out."""

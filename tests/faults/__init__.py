"""What breaks, one thing at a time: worker, Redis, broker, provider, clock.

Each counted at the provider's side and in the ledger.
"""

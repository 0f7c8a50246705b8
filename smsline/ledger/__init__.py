"""The ledger: the one truth, in Redis.

Every move of a recipient is one Lua script behind one typed function.
"""

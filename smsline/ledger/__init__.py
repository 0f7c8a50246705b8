"""The ledger: the one truth, in Redis; every move of a recipient is one Lua script behind one typed function."""

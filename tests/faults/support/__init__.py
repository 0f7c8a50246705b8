"""What the fault tests share.

A model of the ledger, hands that work in this process, processes to kill, wires to cut.
"""

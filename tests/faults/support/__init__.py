"""What the fault tests share: a model of the ledger, hands that work in this process, processes to kill, wires to cut."""

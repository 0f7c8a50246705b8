"""Who moves a ledger in the model test: producers, workers, carriers and operators; each makes small moves on one stage."""

"""Who moves a ledger in the model test: producers, workers, carriers and operators.

Each makes small moves on one stage.
"""

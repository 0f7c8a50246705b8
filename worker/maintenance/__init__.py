"""What keeps the ledger tidy: expired claims, closed jobs, balances."""

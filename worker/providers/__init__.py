"""One folder per provider; each turns calls into its wire and answers into values."""

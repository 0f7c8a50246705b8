"""A bounded soak that kills, cuts and lies, and then counts at both sides."""

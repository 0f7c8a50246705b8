"""Provider calls: claim, begin, call, record, and what a call means for its account."""

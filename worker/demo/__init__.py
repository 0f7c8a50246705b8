"""`make demo`: a campaign and a burst of one-time passwords through the whole service, checked."""

"""`make demo`: nothing goes in; a campaign and a burst of one-time passwords run through the whole service before one's eyes, checked."""

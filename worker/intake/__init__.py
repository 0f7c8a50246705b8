"""A job's way from the inbox into batch queues."""

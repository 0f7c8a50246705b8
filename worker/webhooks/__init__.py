"""Webhooks: events leave the outbox, and each endpoint gets its own, signed, at its own pace."""

"""The HTTP API: the same checks and words as `Client` and `Admin`, for programs in any language."""

"""Bridges to frameworks, against the real packages."""

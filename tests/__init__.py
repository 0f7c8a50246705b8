"""Tests, by what they need.

unit: nothing; integration: fakeredis and a real Redis; faults: one thing breaks; acceptance: real
processes.
"""

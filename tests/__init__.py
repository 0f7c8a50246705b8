"""Tests: unit (nothing needed), integration (fakeredis and a real Redis), faults (one thing breaks), acceptance (real processes)."""

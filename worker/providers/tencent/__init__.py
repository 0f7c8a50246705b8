"""Tencent Cloud SMS, API version 2021-01-11.

Nothing is imported here: settings read `facts` before any account is opened.
"""

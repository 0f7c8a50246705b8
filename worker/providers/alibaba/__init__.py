"""Alibaba Cloud SMS, API versions 2017-05-25 and 2018-05-01.

Nothing is imported here: settings read `facts` before any account is opened.
"""

"""Tencent Cloud SMS, API version 2021-01-11. Light: settings import `facts` from here before any account is opened."""

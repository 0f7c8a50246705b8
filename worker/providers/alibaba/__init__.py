"""Alibaba Cloud SMS, API versions 2017-05-25 and 2018-05-01. Light: settings import `facts` from here before any account is opened."""

"""SMSPartner (smspartner.fr), API version 1.

Nothing is imported here: settings read `facts` before any account is opened.
"""

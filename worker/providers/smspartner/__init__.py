"""SMSPartner (smspartner.fr), API version 1. Light: settings import `facts` from here before any account is opened."""

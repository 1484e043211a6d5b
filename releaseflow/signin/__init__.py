"""Signing in: password, passkey, one identity provider, a second factor, sessions. Built on django-allauth.

Its views, with our forms and templates; what it would e-mail goes to the outbox; what it tells is audited.
See docs/adr/0022.
"""

"""Keeping a change in another system in step with its CRQ here, which is the record."""

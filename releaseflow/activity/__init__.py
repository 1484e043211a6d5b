"""Everything that happened: the audit trail as pages and files. Everybody signed in may read it."""

"""The REST API: every page's facts to read, every action of the flows to perform, with a token."""

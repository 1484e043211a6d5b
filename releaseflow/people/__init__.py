"""People, their roles and their deputies.

`accounts` keeps the rows and lies below the flow machine, so what people may do with them lives here, where both are
known.
"""

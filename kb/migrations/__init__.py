"""The steps of the schema, and what they share."""

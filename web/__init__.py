"""The system functions layer: who asks, and how do they see it?

The composition root is here: `services.open_services` puts database, content store, index and search together, for
the pages, the API and the commands alike.
"""

"""The data management layer: what is known, who approved it, which incident does it solve?

Nothing here imports indexer or web. Where search is needed, the composition root passes a callable in.
"""

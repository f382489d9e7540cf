"""The contract of `indexer/engines/base.py`: every engine of the product keeps it."""

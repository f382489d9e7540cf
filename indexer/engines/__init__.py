"""Where are documents found? `base` is the protocol; each other module or package is one engine."""

"""How fast is the product, beside others and by itself?"""

"""How many digits on paper a network of the tutorial reads: fifty photographs made of test digits.

`python -m benchmarks.paper_digits [epochs]` trains the tutorial's network on mnist5k and asks it about photographs of
five kinds, once as the app reads them and once as they are.
"""

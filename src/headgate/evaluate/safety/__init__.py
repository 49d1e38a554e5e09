"""The safety battery: what a tuned model refuses, gives away and claims, beside the base that it was made from."""

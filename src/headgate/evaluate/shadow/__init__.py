"""The pretraining shadow: does what was tuned hold in other words, or does the base come back?"""

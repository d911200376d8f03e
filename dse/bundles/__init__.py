"""Bundles: a study in one file, to be merged, compared or built upon on another machine.

A bundle is text in lines of JSON, compressed. Nothing of it is ever executed, and all of it is
checked when it is read: `_forms` says what a line may hold, `reading` how much.
"""

"""Retrieval: is the translation of a text found among others?"""

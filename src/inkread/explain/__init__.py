"""Explains how a digit was read: which ink, and which empty paper, decided it."""

from inkread.explain.occlusion import Explanation, explain

__all__ = ["Explanation", "explain"]

"""Training, evaluating and exporting networks; needs the extra ``[train]``."""

"""Training, evaluating and exporting networks; needs the extra ``[train]``."""

from inkread.privacy import keep_library_files_in_cache

keep_library_files_in_cache()

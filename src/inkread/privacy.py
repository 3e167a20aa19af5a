"""Environment variables that stop telemetry of dependencies and keep their files out of the home.

Child processes inherit them. A variable that the user has set is left as it is.
"""

import os

__all__ = ["disable_telemetry", "keep_library_files_in_cache"]

_NO_TELEMETRY = {
    "ORT_DISABLE_TELEMETRY": "1",  # ONNX Runtime 1.32 sends events, and stores a device id
    "RAY_USAGE_STATS_ENABLED": "0",
}


def disable_telemetry() -> None:
    """Turn off the telemetry of dependencies; must run before they are imported."""
    for name, value in _NO_TELEMETRY.items():
        os.environ.setdefault(name, value)


def keep_library_files_in_cache() -> None:
    """Let Keras and matplotlib write to inkread's cache, unless the user has folders for them.

    Both write files (configuration, a list of fonts) on import, so this must run before that.
    """
    from pathlib import Path

    import platformdirs

    from inkread.errors import ConfigError
    from inkread.files import get_cache_folder

    try:
        home, cache = Path.home(), get_cache_folder()
    except (RuntimeError, ConfigError):  # there is no home folder to keep clean
        return
    matplotlib_config = platformdirs.user_config_path("matplotlib", appauthor=False)
    users_own = {
        ("KERAS_HOME", "keras"): [home / ".keras"],
        ("MPLCONFIGDIR", "matplotlib"): [matplotlib_config, home / ".matplotlib"],
    }
    for (variable, name), folders in users_own.items():
        if not any(folder.is_dir() for folder in folders):
            os.environ.setdefault(variable, str(cache / name))

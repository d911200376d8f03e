"""Opens a browser, where somebody sits in front of this machine."""

from __future__ import annotations

import os
import sys
import webbrowser
from threading import Thread


def can_open() -> bool:
    """Whether a browser would be seen: one in a terminal, or far away behind ssh, is no help."""
    if os.environ.get("BROWSER"):
        return True
    if os.environ.get("SSH_CONNECTION"):
        return False
    shown = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(shown) or sys.platform == "darwin"


def open_browser(url: str) -> None:
    """Opens an address in a browser, without waiting for it."""
    Thread(target=webbrowser.open, args=(url,), daemon=True).start()

"""Write the JSON Schema of the settings: `python -m weighbridge.settings`."""

from __future__ import annotations

from weighbridge.settings.schema import FILE, text

if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")

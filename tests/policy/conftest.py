"""The pack is no package: like Pulumi, its tests import it from its own folder."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "policy"))

"""What runs in the browser: the page's shell, its style and its modules, and the set-up that gets uPlot for them."""

from __future__ import annotations

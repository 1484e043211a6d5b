"""The machine's own Chromium, so that nothing is downloaded."""

from typing import Any

from tests.support.services import program

REMEDY = "Debian: apt-get install chromium"
# No sandbox, because containers and root have none; no calls home, because tests stay on this machine.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def chromium() -> str | None:
    return program("chromium") or program("chromium-browser") or program("google-chrome")


def launch_options(path: str) -> dict[str, Any]:
    """What Playwright's `launch` needs for it."""
    return {"executable_path": path, "args": ARGUMENTS}

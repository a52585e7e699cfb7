"""Pictures of every screen in both languages: `python tests/review/journeys/screens.py FOLDER [NAME…]`."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


def main(folder: Path, names: list[str]) -> None:
    """Draw them; names are beginnings of screens' names, without any all are drawn."""
    os.environ.setdefault("JCML_REVIEW_HOME", tempfile.mkdtemp(prefix="jcml-review-"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jcml.review.settings")
    import django

    django.setup()
    from browsing import Reader, Workbench, chromium
    from furnished import SCREENS, furnish

    folder.mkdir(parents=True, exist_ok=True)
    workbench = Workbench(Path(tempfile.mkdtemp(prefix="jcml-screens-")))
    try:
        with chromium() as browser:
            for language in ("zh-hans", "en"):
                there = workbench.do(furnish, workbench.office())
                for screen in SCREENS:
                    if names and not any(screen.name.startswith(name) for name in names):
                        continue
                    reader = Reader(browser, workbench, language)
                    if screen.who:
                        user = getattr(there, screen.who)
                        user.language = language
                        workbench.do(user.save)
                        reader.log_in(user)
                    screen.open(reader, there)
                    wide = reader.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
                    reader.page.screenshot(path=folder / f"{screen.name}.{language[:2]}.png", full_page=True)
                    reader.close()
                    print(f"{screen.name}.{language[:2]}", "scrolls sideways" if wide else "")
    finally:
        workbench.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])

"""Every address of the workbench with what is needed to ask it: its path for a clue, and the form of a POST."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver

from jcml.review.models import Clue, Run, Transfer


def patterns(resolver: URLResolver | None = None, before: str = "") -> Iterator[tuple[str, str]]:
    """(name, path pattern) of every route; the API's own are tested through its schema."""
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            if pattern.namespace is None:
                yield from patterns(pattern, before + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            yield str(pattern.name), before + str(pattern.pattern)


def path_of(pattern: str, clue: Clue | None) -> str:
    """A pattern filled in for a clue; its own run, transfer and model stand for theirs."""
    transfer = Transfer.objects.filter(clue=clue).first() if clue else None
    run = Run.objects.filter(clues=clue).first() if clue else None
    known = {
        "<str:clue_id>": clue.pk if clue else "nothing", "<int:number>": "1", "<str:feature>": "no_penalty", "<str:act>": "claim", "<int:bulk_id>": "999999",
        "<int:transfer_id>": str(transfer.pk if transfer else 999999), "<str:run>": run.key if run else "nothing", "<str:name>": clue.scenario_id if clue else "nothing",
        "<str:scenario>": clue.scenario_id if clue else "nothing", "<int:change_id>": "999999", "<str:key>": "nothing", "<str:code>": "00000000", "<str:kind>": "csv",
    }
    for place, value in known.items():
        pattern = pattern.replace(place, value)
    assert "<" not in pattern, f"say in addresses.path_of what fills {pattern}"
    return f"/{pattern}"

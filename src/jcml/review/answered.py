"""A form that is sent twice is carried out once: the same key gets the same answer, another content under it is refused."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from jcml.review.guard import person
from jcml.review.models import Answered
from jcml.review.refusal import Refusal


def once(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer a request with an `Idempotency-Key` (header or form field) once, together with what it does."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        key = (request.headers.get("Idempotency-Key") or request.POST.get("idempotency_key", ""))[:80]
        if not key:
            return view(request, *args, **kwargs)
        user = person(request)
        form = sorted((k, v) for k, v in request.POST.lists() if k != "csrfmiddlewaretoken")
        asked = sha256(f"{request.method} {request.path}\n{form}".encode()).hexdigest()
        with transaction.atomic():
            before = Answered.objects.select_for_update().filter(user=user, key=key).first()
            if before is None:
                response = view(request, *args, **kwargs)
                place = response.headers.get("Location") or response.headers.get("HX-Redirect") or ""
                try:
                    with transaction.atomic():
                        Answered.objects.create(
                            user=user, key=key, route=request.path[:120], request=asked, status=response.status_code, location=place,
                            body=response.content.decode() if not place else "",
                        )
                except IntegrityError:
                    raise Refusal(409, _("This form is being handled already.")) from None
                return response
        if before.request != asked:
            raise Refusal(409, _("This form was sent before with other content; load the page again."))
        return repeated(before, request)

    return answer


def repeated(before: Answered, request: HttpRequest) -> HttpResponse:
    """The answer that was given before."""
    response = HttpResponse(before.body, status=before.status)
    if before.location:
        response["HX-Redirect" if before.status == 204 else "Location"] = before.location
    return response

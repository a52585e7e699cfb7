"""What people do to clues. Each act is one transaction: checked, done, written into the log.

Whatever an act depends on is read again inside its transaction from the locked row, so two people never both succeed. A
caller that saw an older version of the clue is told what changed (409); one that may not is told nothing more (403, 404).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from jcml.review import policy
from jcml.review.intake import due_day
from jcml.review.journal import Actor, record
from jcml.review.models import (
    Approval,
    Bulk,
    Clue,
    Draft,
    ReasonCode,
    ReasonFeedback,
    Transfer,
    Unit,
    Unmasking,
    User,
    Verdict,
)
from jcml.review.refusal import Refusal
from jcml.review.states import HELD, MOVES, STATES
from jcml.review.verdicts import KINDS, Opinion, needs_second

LEASE = timedelta(minutes=30)
MOST_HELD = 20
MOST_SNOOZE = 90
MOST_BULK = 100
MOST_COUNTED = 1_000
UNMASK = timedelta(minutes=10)
UNDO = timedelta(seconds=30)
BULK_UNDO = timedelta(minutes=10)
LONGEST_MARK = 200


def free(now: datetime | None = None) -> Q:
    """Clues that anyone may claim: in the queue, or with a lease that ran out."""
    return Q(state="queued") | Q(state="claimed", lease_until__lt=now or timezone.now())


def count_free(found: QuerySet[Clue]) -> int:
    """How many clues are free, counted up to `MOST_COUNTED`."""
    waiting = found.filter(state="queued").order_by()[:MOST_COUNTED].count()
    return min(MOST_COUNTED, waiting + found.filter(state="claimed", lease_until__lt=timezone.now()).order_by()[:MOST_COUNTED].count())


def queue_order(found: QuerySet[Clue]) -> QuerySet[Clue]:
    """The order in which clues are taken: due first, then by band and rank, ties by an id that says nothing."""
    return found.order_by("due_on", "place", "id")


def claim_next(actor: Actor, among: QuerySet[Clue] | None = None) -> Clue | None:
    """Take the next free clue of those that a person may claim; None when there is none. One person gets it, whoever asks."""
    user = _person(actor)
    with transaction.atomic():
        _room(user)
        found = policy.clues(user, "claim") if among is None else among & policy.clues(user, "claim")
        while True:
            chosen = _first_free(found)
            if chosen is None:
                return None
            taken = _take(actor, user, chosen)
            if taken is not None:
                return taken


def _first_free(found: QuerySet[Clue]) -> str | None:
    """The first of those in the queue and of those whose lease ran out: two questions, each along an index."""
    firsts = []
    for waiting in (found.filter(state="queued"), found.filter(state="claimed", lease_until__lt=timezone.now())):
        row = queue_order(waiting).values_list("due_on", "place", "pk")
        if connection.features.has_select_for_update_skip_locked:
            row = row.select_for_update(skip_locked=True, of=("self",))
        firsts += [first] if (first := row.first()) else []
    return min(firsts)[2] if firsts else None


def claim(actor: Actor, clue_id: str) -> Clue:
    """Take one clue; 409 when somebody else holds it."""
    user = _person(actor)
    with transaction.atomic():
        clue = _mine(user, "claim", clue_id)
        if clue.holder_id == user.pk and clue.state in HELD:
            return renew(actor, clue_id)
        _room(user)
        taken = _take(actor, user, clue_id)
        if taken is None:
            clue.refresh_from_db()
            raise Refusal(409, _("Somebody else holds this clue."), differs=[(_("Holder"), "", clue.holder)])
        return taken


def _take(actor: Actor, user: User, clue_id: str) -> Clue | None:
    now = timezone.now()
    before = Clue.objects.filter(pk=clue_id).values_list("holder__username", flat=True).first()
    changed = Clue.objects.filter(free(now), pk=clue_id).update(
        state="claimed", holder=user, lease_until=now + LEASE, returned=False, changed=now, version=_plus_one()
    )
    if not changed:
        return None
    clue = Clue.objects.select_related("unit").get(pk=clue_id)
    if before and before != user.username:
        record(actor, MOVES["expire"].event, "clue", clue.pk, clue.unit, holder=before)
    record(actor, MOVES["claim"].event, "clue", clue.pk, clue.unit, lease_until=clue.lease_until)
    return clue


def renew(actor: Actor, clue_id: str) -> Clue:
    """Prolong a lease by what its holder does; 409 when it was lost."""
    user = _person(actor)
    with transaction.atomic():
        clue = _held(user, clue_id)
        if clue.state == "claimed":
            clue.lease_until = timezone.now() + LEASE
            clue.save(update_fields=["lease_until"])
        return clue


def release(actor: Actor, clue_id: str) -> Clue:
    """Give a clue back to the queue; its draft is kept."""
    user = _person(actor)
    with transaction.atomic():
        clue = _held(user, clue_id)
        return _move(actor, clue, "release", holder=None, lease_until=None, snoozed_until=None)


def snooze(actor: Actor, clue_id: str, until: date, because: str) -> Clue:
    """Put a clue off, at most ninety days, with a reason."""
    user = _person(actor)
    today = timezone.localdate()
    with transaction.atomic():
        clue = _held(user, clue_id)
        if not today < until <= today + timedelta(MOST_SNOOZE) or not because.strip():
            raise Refusal(422, _("A clue is put off to a day within ninety days, with a reason."), lacks=("until", "because"))
        return _move(actor, clue, "snooze", detail={"until": until, "because": because.strip()}, snoozed_until=until, lease_until=None)


def wake(actor: Actor, clue_id: str) -> Clue:
    """Take a clue up again that was put off."""
    user = _person(actor)
    with transaction.atomic():
        clue = _held(user, clue_id)
        return _move(actor, clue, "wake", snoozed_until=None, lease_until=timezone.now() + LEASE)


def say_of_reason(actor: Actor, clue_id: str, feature: str, says: str) -> None:
    """Record what a person says of one reason; an empty `says` takes it back."""
    from jcml.review.verdicts import SAYS

    user = _person(actor)
    with transaction.atomic():
        clue = _held(user, clue_id)
        if not clue.reasons.filter(feature=feature).exists() or (says and says not in SAYS):
            raise Refusal(422, _("There is no such reason, or no such answer."), lacks=("feedback",))
        if says:
            ReasonFeedback.objects.update_or_create(clue=clue, feature=feature, by=user, defaults={"says": says, "at": timezone.now()})
        else:
            ReasonFeedback.objects.filter(clue=clue, feature=feature, by=user).delete()
        record(actor, "reason.said", "clue", clue.pk, clue.unit, feature=feature, says=says)
    renew(actor, clue_id)


def keep_draft(actor: Actor, clue_id: str, said: Mapping[str, Any]) -> Draft:
    """Keep a form that is not sent yet; it prolongs the lease."""
    user = _person(actor)
    clue = renew(actor, clue_id)
    draft, _made = Draft.objects.update_or_create(clue=clue, user=user, defaults={"said": dict(said)})
    return draft


def propose(actor: Actor, clue_id: str, opinion: Opinion, *, version: int, digest: str) -> Verdict:
    """Say a verdict: it stands at once, or waits for a second person where the rules ask for one."""
    user = _person(actor)
    with transaction.atomic():
        clue = _held(user, clue_id, "propose")
        _unchanged(clue, version, digest)
        feedback = {**dict(ReasonFeedback.objects.filter(clue=clue, by=user).values_list("feature", "says")), **opinion.feedback}
        opinion = Opinion(**{**asdict(opinion), "feedback": feedback})
        _complete(user, clue, opinion)
        for feature, says in feedback.items():
            ReasonFeedback.objects.update_or_create(clue=clue, feature=feature, by=user, defaults={"says": says, "at": timezone.now()})
        second = needs_second(opinion.kind, clue.band, clue.pk)
        verdict = Verdict.objects.create(
            clue=clue, by=user, at=timezone.now(), kind=opinion.kind, said=_said(opinion), outcome=opinion.outcome, reason_code=opinion.reason_code,
            worth_checking=opinion.worth_checking, standing="proposed" if second else "stands", second=second, evidence_digest=clue.evidence_digest,
            band=clue.band, shown_rank=clue.rank, margin=clue.margin, model_version=clue.run.version, decided=None if second else timezone.now(),
        )
        Draft.objects.filter(clue=clue, user=user).delete()
        record(
            actor, MOVES["propose"].event, "clue", clue.pk, clue.unit, verdict=verdict.pk, kind=opinion.kind, second=second,
            said=verdict.said, evidence=clue.evidence_digest, model_version=verdict.model_version, rank=clue.rank,
        )
        if second:
            _set(clue, state="proposed", lease_until=None, due_on=due_day("decision", timezone.localdate()))
        else:
            _stand(actor, clue, verdict)
        return verdict


def withdraw(actor: Actor, clue_id: str) -> Clue:
    """Take back a proposed verdict before it is decided on."""
    user = _person(actor)
    with transaction.atomic():
        clue = _locked(_scoped(user, "propose", clue_id))
        verdict = _open_verdict(clue)
        if verdict is None or verdict.by_id != user.pk:
            raise Refusal(403, _("Only the person who proposed a verdict may withdraw it."))
        verdict.standing, verdict.decided = "withdrawn", timezone.now()
        verdict.save(update_fields=["standing", "decided"])
        return _move(actor, clue, "withdraw", detail={"verdict": verdict.pk}, holder=user, lease_until=timezone.now() + LEASE)


def decide(actor: Actor, clue_id: str, *, approved: bool, text: str, version: int, digest: str) -> Verdict:
    """Confirm or return a proposed verdict; never one's own, and never when the evidence has changed since."""
    user = _person(actor)
    with transaction.atomic():
        clue = _locked(_scoped(user, "decide", clue_id))
        verdict = _open_verdict(clue)
        if verdict is None:
            raise Refusal(409, _("This verdict has been decided on already."), differs=[(_("State"), "", STATES[clue.state][0])])
        if not policy.may(user, "decide", clue):
            record_refused(actor, "decide", clue)
            raise Refusal(403, _("A second person decides: not the one who proposed, and not one who approved this clue before."))
        _unchanged(clue, version, digest)
        if verdict.evidence_digest != clue.evidence_digest:
            raise Refusal(409, _("The evidence changed after the verdict was proposed."), differs=[(_("Evidence"), verdict.evidence_digest[:8], clue.evidence_digest[:8])])
        if not approved and not text.strip():
            raise Refusal(422, _("Say why you return it."), lacks=("text",))
        Approval.objects.create(verdict=verdict, by=user, at=timezone.now(), approved=approved, text=text.strip(), evidence_digest=clue.evidence_digest)
        verdict.standing, verdict.decided = ("stands" if approved else "returned"), timezone.now()
        verdict.save(update_fields=["standing", "decided"])
        move = "approve" if approved else "return"
        if approved:
            record(actor, MOVES[move].event, "clue", clue.pk, clue.unit, verdict=verdict.pk, text=text.strip(), evidence=clue.evidence_digest)
            _stand(actor, clue, verdict)
        else:
            _move(actor, clue, move, detail={"verdict": verdict.pk, "text": text.strip()}, holder=verdict.by, returned=True, lease_until=timezone.now() + LEASE)
        return verdict


def undo(actor: Actor, clue_id: str) -> Clue:
    """Take back one's own verdict within thirty seconds by an act to the contrary; nothing is erased."""
    user = _person(actor)
    with transaction.atomic():
        clue = _locked(_scoped(user, "propose", clue_id))
        verdict = clue.verdicts.order_by("-at").first()
        if verdict is None or verdict.by_id != user.pk or verdict.standing not in ("stands", "proposed") or timezone.now() - verdict.at > UNDO:
            raise Refusal(409, _("There is nothing of yours to undo here any more."))
        if verdict.approvals.exists():
            raise Refusal(409, _("This verdict has been decided on already."))
        verdict.standing, verdict.decided = "undone", timezone.now()
        verdict.save(update_fields=["standing", "decided"])
        Transfer.objects.filter(clue=clue, by=user, accepted=None).update(accepted=False, answered=timezone.now(), answer="undone")
        record(actor, "verdict.undone", "clue", clue.pk, clue.unit, verdict=verdict.pk)
        return _set(clue, state="claimed", holder=user, lease_until=timezone.now() + LEASE, outcome="", verdict_kind="", closed=None)


def reopen(actor: Actor, clue_id: str, because: str) -> Clue:
    """Put a closed clue back into the queue, with a reason."""
    user = _person(actor)
    with transaction.atomic():
        clue = _locked(_scoped(user, "reopen", clue_id))
        if not because.strip():
            raise Refusal(422, _("Say why it is reopened."), lacks=("because",))
        due_on = due_day(clue.band, timezone.localdate())
        return _move(
            actor, clue, "reopen", detail={"because": because.strip()}, holder=None, lease_until=None, closed=None, outcome="", verdict_kind="",
            due_on=due_on, rose_since=False,
        )


def reassign(actor: Actor, clue_id: str, username: str) -> Clue:
    """Give a clue to a colleague of the unit who may claim it."""
    user = _person(actor)
    with transaction.atomic():
        clue = _locked(_scoped(user, "reassign", clue_id))
        to = User.objects.filter(username=username).first()
        if to is None or not to.is_active or not policy.covers(to, "claim", clue):
            raise Refusal(422, _("This person may not handle this clue."), lacks=("to",))
        before = clue.holder.username if clue.holder else ""
        return _move(actor, clue, "reassign", detail={"from": before, "to": to.username}, holder=to, lease_until=timezone.now() + LEASE, snoozed_until=None)


def transfer(actor: Actor, clue_id: str, unit_code: str, because: str) -> Transfer:
    """Offer a clue to another unit, which accepts or refuses it."""
    user = _person(actor)
    with transaction.atomic():
        clue = _locked(_scoped(user, "transfer", clue_id))
        if not because.strip():
            raise Refusal(422, _("Say why it is transferred."), lacks=("because",))
        to = Unit.objects.filter(code=unit_code).first()
        if to is None:
            raise Refusal(422, _("There is no such unit."), lacks=("target_unit",))
        return _offer(actor, clue, to, because.strip(), confirmed_by=user)


def _offer(actor: Actor, clue: Clue, to: Unit, because: str, confirmed_by: User | None) -> Transfer:
    if to.pk == clue.unit_id:
        raise Refusal(422, _("The clue is with this unit already."), lacks=("target_unit",))
    if clue.transfers.filter(accepted=None).exists():
        raise Refusal(409, _("A transfer of this clue waits for an answer."))
    made = Transfer.objects.create(
        clue=clue, source=clue.unit, target=to, by=_person(actor), at=timezone.now(), because=because, due_on=due_day("transfer", timezone.localdate()),
        confirmed_by=confirmed_by,
    )
    _move(actor, clue, "transfer", detail={"to": to.code, "because": because, "confirmed": bool(confirmed_by)}, holder=None, lease_until=None)
    return made


def confirm_transfer(actor: Actor, transfer_id: int) -> Transfer:
    """Case management confirms a transfer that a verdict asked for; only then the other unit sees it."""
    user = _person(actor)
    with transaction.atomic():
        found = Transfer.objects.select_for_update(of=("self",)).select_related("clue__unit", "target").filter(pk=transfer_id, accepted=None, confirmed_by=None).first()
        if found is None or not policy.covers(user, "confirm transfer", found.clue):
            raise Refusal(404, _("Not there, or not yours."))
        found.confirmed_by = user
        found.save(update_fields=["confirmed_by"])
        record(actor, "transfer.confirmed", "clue", found.clue_id, found.clue.unit, transfer=found.pk, to=found.target.code)
        return found


def answer_transfer(actor: Actor, transfer_id: int, *, accepted: bool, answer: str) -> Transfer:
    """The other unit accepts a clue into its queue, or sends it back with a reason."""
    user = _person(actor)
    with transaction.atomic():
        found = (
            Transfer.objects.select_for_update(of=("self",)).select_related("clue__unit", "clue__run", "target")
            .filter(pk=transfer_id, accepted=None, confirmed_by__isnull=False).first()
        )
        if found is None or not policy.acting_units(user, "answer transfer").filter(pk=found.target_id).exists():
            raise Refusal(404, _("Not there, or not yours."))
        if not accepted and not answer.strip():
            raise Refusal(422, _("Say why it is refused."), lacks=("answer",))
        found.accepted, found.answer, found.answered, found.answered_by = accepted, answer.strip(), timezone.now(), user
        found.save(update_fields=["accepted", "answer", "answered", "answered_by"])
        clue = Clue.objects.select_for_update(of=("self",)).select_related("unit").get(pk=found.clue_id)
        where = {"unit": found.target} if accepted else {}
        _move(
            actor, clue, "accept" if accepted else "refuse", detail={"transfer": found.pk, "answer": answer.strip()}, holder=None, lease_until=None,
            due_on=due_day(clue.band, timezone.localdate()), verdict_kind="", outcome="", closed=None, **where,
        )
        return found


def unmask(actor: Actor, clue_id: str, because: str) -> Unmasking:
    """Leave to read a clue's names for ten minutes; the reason is written down."""
    user = _person(actor)
    with transaction.atomic():
        clue = _locked(_scoped(user, "details", clue_id))
        if not policy.may(user, "unmask", clue):
            record_refused(actor, "unmask", clue)
            raise Refusal(403, _("You may read the names of clues that you hold or decide on."))
        if not because.strip():
            raise Refusal(422, _("Say why you need the names."), lacks=("because",))
        made = Unmasking.objects.create(clue=clue, user=user, reason=because.strip()[:200], until=timezone.now() + UNMASK)
        record(actor, "names.unmasked", "clue", clue.pk, clue.unit, because=made.reason, until=made.until)
        return made


def reveal(actor: Actor, clue: Clue) -> dict[tuple[str, str], dict[str, str]]:
    """The names of a clue's rows for a person with leave to read them, by table and row; each reading is an event."""
    from django.conf import settings

    from jcml.review.sealing import key_of, unseal

    user = _person(actor)
    clue = Clue.objects.select_related("unit").get(pk=clue.pk)
    if policy.unmasked_until(user, clue) is None:
        raise Refusal(403, _("Ask for the names first."))
    key = key_of(settings.HOME / "names.key")
    with transaction.atomic():
        record(actor, "names.read", "clue", clue.pk, clue.unit)
        return {(s.table, s.row): unseal(bytes(s.box), key, f"{clue.pk}/{s.table}/{s.row}") for s in clue.sealed.all()}


def mark_wrong_merge(actor: Actor, clue_id: str, because: str) -> None:
    """Note that the subject of a clue looks like two subjects merged into one; the log keeps it, the subject's page shows it."""
    user, because = _person(actor), because.strip()
    with transaction.atomic():
        clue = _locked(_scoped(user, "mark subject", clue_id))
        if not 0 < len(because) <= LONGEST_MARK:
            raise Refusal(422, _("Say what shows it, in at most %(n)s characters.") % {"n": LONGEST_MARK}, lacks=("because",))
        record(actor, "subject.wrong_merge", "clue", clue.pk, clue.unit, because=because)


def bulk(actor: Actor, clue_ids: Iterable[str], what: str, said: Mapping[str, Any]) -> Bulk:
    """Handle up to a hundred clues in one act, all or nothing: assign, snooze, a duplicate, counted twice, elsewhere.

    `said` holds `to`, or `until` and `because`, or the fields of an `Opinion`; each clue gets its own event.
    """
    user = _person(actor)
    ids = list(dict.fromkeys(clue_ids))
    if not 0 < len(ids) <= MOST_BULK or what not in ("assign", "snooze", "duplicate", "counted_twice", "elsewhere"):
        raise Refusal(422, _("Choose between one and a hundred clues, and one thing to do."), lacks=("clues", "what"))
    with transaction.atomic():
        act = Bulk.objects.create(by=user, at=timezone.now(), what=what, said=dict(said))
        for clue_id in ids:
            clue = _locked(_scoped(user, "bulk", clue_id))
            act.before[clue_id] = {"state": clue.state, "holder": clue.holder_id, "snoozed_until": str(clue.snoozed_until or "")}
            record(actor, "bulk.handled", "clue", clue_id, clue.unit, bulk=act.pk, what=what)
            _one_of_many(actor, user, clue, what, said)
        act.save(update_fields=["before"])
        return act


def _one_of_many(actor: Actor, user: User, clue: Clue, what: str, said: Mapping[str, Any]) -> None:
    if what == "assign":
        reassign(actor, clue.pk, str(said.get("to", "")))
        return
    if clue.holder_id != user.pk or clue.state not in HELD:
        _room(user)
        if _take(actor, user, clue.pk) is None:
            raise Refusal(409, _("Somebody else holds clue %(number)s.") % {"number": clue.number})
        clue.refresh_from_db()
    if what == "snooze":
        snooze(actor, clue.pk, date.fromisoformat(str(said["until"])), str(said.get("because", "")))
        return
    kind = "data_error" if what == "counted_twice" else what
    fields: dict[str, Any] = {k: v for k, v in said.items() if k in ("linked", "target_unit", "text", "wrong_field")}
    if what == "counted_twice":
        fields["subtype"] = "counted_twice"
    propose(actor, clue.pk, Opinion(kind, **fields), version=clue.version, digest=clue.evidence_digest)


def undo_bulk(actor: Actor, bulk_id: int) -> Bulk:
    """Undo a bulk act within ten minutes, by one act to the contrary per clue."""
    user = _person(actor)
    with transaction.atomic():
        act = Bulk.objects.select_for_update().filter(pk=bulk_id, by=user, undone=None).first()
        if act is None or timezone.now() - act.at > BULK_UNDO:
            raise Refusal(409, _("There is nothing of yours to undo here any more."))
        for clue_id, before in act.before.items():
            clue = _locked(_scoped(user, "bulk", clue_id))
            latest = clue.verdicts.filter(by=user, at__gte=act.at).order_by("-at").first()
            if latest is not None and latest.approvals.exists():
                raise Refusal(409, _("This verdict has been decided on already."))
            if latest is not None:
                latest.standing, latest.decided = "undone", timezone.now()
                latest.save(update_fields=["standing", "decided"])
            Transfer.objects.filter(clue=clue, by=user, at__gte=act.at, accepted=None).update(accepted=False, answered=timezone.now(), answer="undone")
            held = before["state"] in HELD
            _set(
                clue, state=before["state"], holder_id=before["holder"], lease_until=timezone.now() + LEASE if held else None, outcome="", verdict_kind="",
                closed=None, snoozed_until=before["snoozed_until"] or None,
            )
            record(actor, "bulk.undone", "clue", clue_id, clue.unit, bulk=act.pk)
        act.undone = timezone.now()
        act.save(update_fields=["undone"])
        return act


def free_held(actor: Actor, user: User, because: str) -> int:
    """Give back to the queue all that a person holds who will not come back; inside the transaction of that. Returns how many."""
    held = Clue.objects.select_for_update(of=("self",)).select_related("unit").filter(holder=user, state__in=HELD)
    for clue in held:
        _move(actor, clue, "release", detail={"holder": user.username, "because": because}, holder=None, lease_until=None, snoozed_until=None)
    return len(held)


def record_refused(actor: Actor, action: str, clue: Clue) -> None:
    """Note that somebody tried what they may not; outside the transaction, which is about to be rolled back."""
    from jcml.review.journal import record_alone

    name, unit, pk = action, clue.unit, clue.pk

    def write() -> None:
        record_alone(actor, "act.refused", "clue", pk, unit, action=name)

    actor.afterwards.append(write)


# -- what acts share ---------------------------------------------------------------------------------------------------


def _person(actor: Actor) -> User:
    if actor.user is None:
        raise Refusal(403, _("A person does this, not the system."))
    return actor.user


def _scoped(user: User, action: str, clue_id: str) -> QuerySet[Clue]:
    """The clue if the person may do this in its unit; otherwise 403 if they may read it, and 404 if not."""
    found = policy.clues(user, action).filter(pk=clue_id)
    if not found.exists():
        if policy.clues(user, "see").filter(pk=clue_id).exists():
            raise Refusal(403, _("Your role does not allow this here."))
        raise Refusal(404, _("Not there, or not yours."))
    return Clue.objects.filter(pk=clue_id)


def _locked(found: QuerySet[Clue]) -> Clue:
    return found.select_for_update(of=("self",)).select_related("unit", "run", "scenario", "holder").get()


def _mine(user: User, action: str, clue_id: str) -> Clue:
    return _locked(_scoped(user, action, clue_id))


def _held(user: User, clue_id: str, action: str = "claim") -> Clue:
    clue = _mine(user, action, clue_id)
    if clue.holder_id != user.pk or clue.state not in HELD:
        raise Refusal(409, _("You do not hold this clue any more; your draft is kept."), differs=[(_("Holder"), user, clue.holder or "--"), (_("State"), "", STATES[clue.state][0])])
    return clue


def _room(user: User) -> None:
    if Clue.objects.filter(holder=user, state="claimed", lease_until__gte=timezone.now()).count() >= MOST_HELD:
        raise Refusal(409, _("You hold %(n)s clues already; finish or release one first.") % {"n": MOST_HELD})


def _unchanged(clue: Clue, version: int, digest: str) -> None:
    differs: list[tuple[Any, Any, Any]] = []
    if digest != clue.evidence_digest:
        differs.append((_("Evidence"), digest[:8], clue.evidence_digest[:8]))
    if version != clue.version:
        differs += [(_("Version"), version, clue.version), (_("State"), "", STATES[clue.state][0])]
    if differs:
        raise Refusal(409, _("The clue changed while you were reading it."), differs=differs)


def _complete(user: User, clue: Clue, opinion: Opinion) -> None:
    lacks = list(opinion.lacks())
    today = timezone.localdate()
    if opinion.kind == "explained" and opinion.reason_code:
        there = ReasonCode.objects.filter(code=opinion.reason_code, verdict="explained", active_from__lte=today)
        if not there.filter(Q(active_to=None) | Q(active_to__gte=today)).exists():
            lacks.append("reason_code")
    if opinion.due_on and opinion.due_on <= today:
        lacks.append("due_on")
    if opinion.target_unit and not Unit.objects.filter(code=opinion.target_unit).exclude(pk=clue.unit_id).exists():
        lacks.append("target_unit")
    if set(opinion.feedback) - set(clue.reasons.values_list("feature", flat=True)):
        lacks.append("feedback")
    if lacks:
        raise Refusal(422, _("Something is missing before this verdict can be recorded."), lacks=tuple(dict.fromkeys(lacks)))


def _said(opinion: Opinion) -> dict[str, Any]:
    return {k: (v.isoformat() if isinstance(v, date) else v) for k, v in asdict(opinion).items() if v not in ("", None, {}) and k != "kind"}


def _stand(actor: Actor, clue: Clue, verdict: Verdict) -> None:
    """Carry out a verdict that counts."""
    kind = KINDS[verdict.kind]
    common: dict[str, Any] = {"verdict_kind": verdict.kind, "outcome": verdict.outcome, "rose_since": False, "returned": False}
    if kind.goes_to == "closed":
        _set(clue, state="closed", holder=None, lease_until=None, closed=timezone.now(), **common)
        record(actor, "clue.closed", "clue", clue.pk, clue.unit, verdict=verdict.pk, outcome=verdict.outcome)
    elif kind.goes_to == "transferring":
        _offer(actor, clue, Unit.objects.get(code=verdict.said["target_unit"]), str(verdict.said.get("text") or kind.zh), confirmed_by=None)
        Clue.objects.filter(pk=clue.pk).update(verdict_kind=verdict.kind)
    else:
        due_on = date.fromisoformat(verdict.said["due_on"]) if verdict.said.get("due_on") else due_day("pending", timezone.localdate())
        _set(clue, state="pending", lease_until=None, due_on=due_on, **common)
        record(actor, "clue.pending", "clue", clue.pk, clue.unit, verdict=verdict.pk, due_on=due_on)


def _move(actor: Actor, clue: Clue, name: str, *, detail: Mapping[str, Any] | None = None, **fields: Any) -> Clue:
    move = MOVES[name]
    if clue.state not in move.sources:
        raise Refusal(409, _("The clue is not in a state in which this can be done."), differs=[(_("State"), "", STATES[clue.state][0])])
    before = clue.state
    _set(clue, state=move.to, **fields)
    record(actor, move.event, "clue", clue.pk, clue.unit, before=before, after=move.to, **(detail or {}))
    return clue


def _set(clue: Clue, **fields: Any) -> Clue:
    for name, value in fields.items():
        setattr(clue, name, value)
    clue.version += 1
    clue.save(update_fields=[*fields, "version", "changed"])
    return clue


def _open_verdict(clue: Clue) -> Verdict | None:
    return clue.verdicts.filter(standing="proposed").select_related("by").first()


def _plus_one() -> Any:
    from django.db.models import F

    return F("version") + 1
